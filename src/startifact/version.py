"""The version of Startifact itself, in the one place that everything else reads."""

__version__ = "1.0.0"
