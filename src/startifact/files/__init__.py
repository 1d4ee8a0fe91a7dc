"""The file that is staged, and the file that a download writes."""
