"""Channels: their records, how they are read, and how they move."""
