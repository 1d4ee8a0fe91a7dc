"""The job summary in a browser, as GitHub's page shows it, on a wide screen and on a phone.

With STARTIFACT_TEST_PICTURES, the name of a folder, the pictures are kept there to be looked at.
"""

import os
from pathlib import Path

import pytest

from startifact import Session
from tests.support.github_page import BROWSERS, WIDE, Page, find_browser
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call, to_stage

NARROW = 380


@pytest.fixture(scope="module")
def browser() -> str:
    """Return where a browser is; tests are skipped where there is none."""
    found = find_browser()
    if found is None:
        pytest.skip(f"no browser is installed, of {', '.join(BROWSERS)}")
    return found


def displayed(
    browser: str, summary: str, folder: Path, name: str, width: int = WIDE
) -> dict[str, str]:
    """Return what the script found in the page of *summary*."""
    page = Page(browser, summary, folder, width=width)
    if pictures := os.environ.get("STARTIFACT_TEST_PICTURES"):
        page.draw(Path(pictures) / f"{name}-{width}.png")
    found = page.found()
    del found["height"]
    return found


def test_staging(browser: str, step: Step, call: Call, directories: list[str]) -> None:
    """The summary of a staging leads to the commit and the run, and nothing is cut off."""
    metadata = "\n".join(f"key{i}=value {i}" for i in range(30))
    regions = " ".join(directories)
    done = call(**to_stage(step, metadata=metadata, save_filename="true", regions=regions))

    page = displayed(browser, done.summary, step.temp, "staging")

    home = "https://github.example/octocat/SugarWater"
    links = [home, f"{home}/commit/0123456789abcdef0123456789abcdef01234567"]
    links.append(f"{home}/actions/runs/42")
    assert page == {"wide": "0", "scrolled": "0", "hidden": "1", "links": " ".join(links)}


def test_failure(browser: str, step: Step, call: Call, directories: list[str]) -> None:
    """The text of an error is broken where the page ends, long names included."""
    Session(regions=directories[:1]).stage("SugarWater", "1.0.0", step.workspace / step.file())
    folder = "deeply/" * 40
    regions = f"{directories[0]} file:./{folder}a file:./{folder}b"

    done = call(command="info", project="SugarWater", version="2.0.0", regions=regions)

    assert done.exit_code == 3
    for width in (WIDE, NARROW):
        page = displayed(browser, done.summary, step.temp, "failure", width)
        assert (page["wide"], page["links"]) == ("0", "")


def test_versions(browser: str, step: Step, call: Call, directories: list[str]) -> None:
    """Of a list that is longer than a screen, the rest is not seen until somebody opens it."""
    session = Session(regions=directories[:1])
    for patch in range(25):
        session.stage("SugarWater", f"1.0.{patch}", step.workspace / step.file())

    done = call(command="versions", project="SugarWater", regions=directories[0], long="true")

    page = displayed(browser, done.summary, step.temp, "versions")
    assert (page["wide"], page["hidden"]) == ("0", "1")


def test_conflict(browser: str, step: Step, call: Call, directories: list[str]) -> None:
    """On a phone all of an error is there without scrolling; what is wide scrolls by itself."""
    Session(regions=directories).stage("SugarWater", "1.0.0", step.workspace / step.file())
    other = step.file(b"other")

    done = call(**to_stage(step, path=other, regions=" ".join(directories)))

    page = displayed(browser, done.summary, step.temp, "conflict", NARROW)
    assert done.exit_code == 4
    assert page["wide"] == "0"


def test_doctor(browser: str, step: Step, call: Call, directories: list[str]) -> None:
    """What failed is seen at once with what to do, and what is fine after a click."""
    blocked = step.file(b"", "blocked")

    done = call(
        command="doctor",
        project="SugarWater",
        regions=f"{directories[0]} file:./{blocked}",
        **{"for": "stage"},
    )

    for width in (WIDE, NARROW):
        page = displayed(browser, done.summary, step.temp, "doctor", width)
        assert (page["wide"], page["hidden"]) == ("0", "1")
