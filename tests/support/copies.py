"""Copies of channels in SSM, which promotions write beside whatever else a session does."""

from startifact import Session


def wait_for_copies(*sessions: Session) -> None:
    """Wait until none of *sessions* writes copies any more, as closing them does."""
    for session in sessions:
        session._mirroring.wait()
