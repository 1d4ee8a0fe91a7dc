"""Regions that are directories."""
