"""Registers over all regions: one value that changes by consensus, and outlives any minority."""
