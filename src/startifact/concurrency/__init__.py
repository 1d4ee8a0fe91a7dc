"""The same work in all regions at once, how far it has got, and how it ends."""
