"""Channels: what one holds, how it is read, and how it moves."""
