"""Limits that depend on each other."""

from startifact import Limits


def test_connections_suffice() -> None:
    """Each worker that a region has at a time keeps its connection, and finds one more."""
    limits = Limits()

    workers = max(limits.inventory_workers, limits.part_workers, limits.probe_writers)

    assert limits.connections > workers
