"""Comparing what all regions hold of a project, and repairing it."""
