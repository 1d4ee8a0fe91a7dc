"""Addresses of what a record says of a workflow run: it may have been written by anybody."""

import re

from startifact.action.markdown import code, link
from startifact.reading.artifact import Artifact

_REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", re.ASCII)
_RUN = re.compile(r"/([A-Za-z0-9-]+/[A-Za-z0-9._-]+)/actions/runs/([0-9]+)", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)


def origin_links(artifact: Artifact, server: str) -> dict[str, str]:
    """Return the addresses at *server* of what is recorded of *artifact*, by their labels.

    The server is that of this run, and never what the record says: a link leads nowhere else.
    """
    repository = artifact.repository or ""
    if not _REPOSITORY.fullmatch(repository):
        return {}
    home = f"{server}/{repository}"
    links = {"Repository": home}
    if _COMMIT.fullmatch(artifact.commit or ""):
        links["Commit"] = f"{home}/commit/{artifact.commit}"
    if artifact.run and re.fullmatch(rf"{re.escape(home)}/actions/runs/[0-9]+", artifact.run):
        links["Run"] = artifact.run
    return links


def author_link(moved_by: str | None, server: str) -> str:
    """Return who has changed something: a run at *server* by its number, and a link to it."""
    run = _RUN.fullmatch((moved_by or "").removeprefix(server))
    if moved_by is None or run is None or not moved_by.startswith(f"{server}/"):
        return code(moved_by) if moved_by else ""
    return link(f"run {run[2]} of {run[1]}", moved_by)
