"""The pictures of the documents, which show what real runs have printed."""
