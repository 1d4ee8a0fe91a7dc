"""What writes files that are not written by hand, and what tries and measures."""
