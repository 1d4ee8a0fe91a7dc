"""Setting up what an organisation needs in AWS: from what is there, over a plan, to its stacks."""
