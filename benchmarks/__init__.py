"""What Startifact costs beside other tools: ``make bench``."""
