"""What is staged of directories and patterns, and the archive that is made of it."""
