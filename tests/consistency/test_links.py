"""Every link of the documents leads to something that is there, on GitHub and on the site."""

import re
from pathlib import PurePosixPath

import pytest
import yaml

from tests.consistency.documents import PAGES, headings, prose_of
from tests.support.runner_step import PROJECT

LINK = re.compile(r"(?:\]\(|src=\")(?!https?:|mailto:)([^)#\s\"]*)(?:#([^)\s]*))?[)\"]")
OF_THE_REPOSITORY = re.compile(r"https://github\.com/OWNER/startifact/(?:blob|tree)/v1/([^)#\s]+)")


def anchors(page: str) -> tuple[set[str], set[str]]:
    """Return the anchors of the headings of *page*, as GitHub and as the site make them."""
    texts = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text) for _, _, text in headings(page)]
    plain = [re.sub(r"[^\w\s-]", "", text).strip().lower() for text in texts]
    return {p.replace(" ", "-") for p in plain}, {re.sub(r"[-\s]+", "-", p) for p in plain}


def target_of(page: str, path: str) -> str:
    """Return what *path* is from *page*, as a path in the project."""
    parts: list[str] = []
    for part in (PurePosixPath(page).parent / path).parts if path else PurePosixPath(page).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


@pytest.mark.parametrize("page", PAGES)
def test_links(page: str) -> None:
    """Each link leads to a file and a heading that are there."""
    missing = []
    for path, anchor in LINK.findall(prose_of(page)):
        target = target_of(page, path)
        is_there = (PROJECT / target).exists()
        if is_there and anchor:
            is_there = target in PAGES and all(anchor in made for made in anchors(target))
        missing += [] if is_there else [f"{path}#{anchor}"]
    for path in OF_THE_REPOSITORY.findall(PAGES[page]):
        missing += [] if (PROJECT / path).exists() else [path]

    assert missing == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_links_stay_on_the_site(page: str) -> None:
    """A page of the site has no link to a file that is not on it."""
    targets = [target_of(page, path) for path, _ in LINK.findall(prose_of(page))]

    assert [target for target in targets if not target.startswith("docs/")] == []


def pages_of(nav: list[object]) -> list[str]:
    """Return each page that *nav* names."""
    found = []
    for entry in nav:
        (value,) = entry.values() if isinstance(entry, dict) else (entry,)
        found += pages_of(value) if isinstance(value, list) else [str(value)]
    return found


def test_navigation() -> None:
    """Each page is in the navigation once, and the README leads to it, or to where it is linked."""
    text = (PROJECT / "mkdocs.yml").read_text(encoding="utf-8").replace("!!python/name:", "")
    named = pages_of(yaml.safe_load(text)["nav"])
    pages = [page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")]
    reached, found = set(), ["README.md", "docs/index.md"]
    while found:
        page = found.pop()
        reached.add(page)
        links = {target_of(page, path) for path, _ in LINK.findall(prose_of(page))}
        found += [link for link in links if link in PAGES and link not in reached]

    assert sorted(named) == sorted(pages)
    assert [page for page in pages if f"docs/{page}" not in reached] == []
