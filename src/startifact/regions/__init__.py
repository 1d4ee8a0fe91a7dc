"""Regions: one interface, an implementation for each kind, and the factory that opens them."""
