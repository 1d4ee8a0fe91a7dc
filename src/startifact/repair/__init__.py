"""Comparing what all regions hold of a project, and mending it."""
