"""Values: keys, versions, records, metadata, configuration, and how many regions are enough."""
