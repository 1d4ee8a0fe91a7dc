"""What keeps versions from being chosen, or takes them away."""
