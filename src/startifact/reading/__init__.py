"""Finding a version in all regions, and fetching its bytes."""
