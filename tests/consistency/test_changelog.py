"""The CHANGELOG has the form of Keep a Changelog, so that release notes can be taken from it."""

import re

from semver import Version

from startifact import __version__
from tests.support.runner_step import PROJECT

CHANGELOG = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def sections(level: str, text: str) -> list[tuple[str, str]]:
    """Return each heading of a level in *text*, with what stands below it."""
    parts = re.split(rf"(?m)^{level} (.*)$", text)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_releases() -> None:
    """First what is not released, then each release with its date, the newest first."""
    first, *released = [heading for heading, _ in sections("##", CHANGELOG)]

    assert first == "[Unreleased]"
    dated = [re.fullmatch(r"\[(\S+)\] - \d{4}-\d{2}-\d{2}", heading) for heading in released]
    assert all(dated), released
    versions = [Version.parse(match[1]) for match in dated if match]
    assert versions == sorted(versions, reverse=True)
    assert all(version <= Version.parse(__version__) for version in versions)


def test_kinds() -> None:
    """Below each release stand the headings of Keep a Changelog, in its order, each once."""
    for release, text in sections("##", CHANGELOG):
        kinds = [kind for kind, _ in sections("###", text)]

        assert kinds == [kind for kind in KINDS if kind in kinds], release
        assert not re.split(r"(?m)^### ", text)[0].strip(), f"a change of {release} has no kind"


def test_changes() -> None:
    """Below each of these stands a list of changes, and no heading is deeper."""
    assert not re.search(r"(?m)^#{4,}", CHANGELOG)
    for _, text in sections("##", CHANGELOG):
        for kind, changes in sections("###", text):
            lines = changes.strip().splitlines()
            assert lines, kind
            assert all(line.startswith(("- ", "  ")) for line in lines), kind
