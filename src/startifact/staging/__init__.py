"""Making a version available in every region."""
