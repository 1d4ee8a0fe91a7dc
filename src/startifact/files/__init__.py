"""What is staged, the archives that are made of it, and the file that a download writes."""
