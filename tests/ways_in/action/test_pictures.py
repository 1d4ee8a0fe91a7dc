"""The job summary in a browser, as GitHub's page shows it.

With STARTIFACT_TEST_PICTURES, the name of a folder, the pictures are kept there to be looked at.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from startifact import Session
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call, to_stage

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH = 1012
"""What GitHub has for a summary on a wide screen."""

# What GitHub's style sheet has for what a summary consists of, and a script that says what is
# wider than the page.
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ font: 16px/1.5 "Noto Sans", Helvetica, Arial, sans-serif; margin: 0; padding: 16px;
  width: {width}px; box-sizing: border-box; overflow-wrap: break-word; }}
table {{ display: block; width: max-content; max-width: 100%; overflow: auto;
  border-collapse: collapse; margin-bottom: 16px; }}
th, td {{ padding: 6px 13px; border: 1px solid #d1d9e0; }}
code, pre {{ font: 85% ui-monospace, monospace; background: #eff1f3; border-radius: 6px; }}
code {{ padding: .2em .4em; white-space: break-spaces; }}
pre {{ padding: 16px; overflow: auto; }}
blockquote {{ margin: 0 0 16px; padding: 0 1em; color: #59636e;
  border-left: .25em solid #d1d9e0; }}
a {{ color: #0969da; }}
</style><body>{body}<script>
const all = selectors => [...document.querySelectorAll(selectors)];
const found = document.body.dataset;
found.wide = all("blockquote, blockquote *, h3, h3 *, p, details, summary")
  .filter(e => e.getBoundingClientRect().right > {width}).length;
found.hidden = all("details table").filter(e => !e.checkVisibility()).length;
found.links = all("a").map(e => e.href).join(" ");
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    """Return where a browser is; tests are skipped where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser is installed, of {', '.join(BROWSERS)}")
    return found


def displayed(browser: str, summary: str, folder: Path, name: str) -> dict[str, str]:
    """Return what the script found in the page of *summary*."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    page = folder / f"{name}.html"
    page.write_text(PAGE.format(width=WIDTH, body=markdown.render(summary)), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    options += [f"--user-data-dir={folder / 'profile'}", f"--window-size={WIDTH + 40},900"]
    command = [browser, *options, "--dump-dom"]
    if pictures := os.environ.get("STARTIFACT_TEST_PICTURES"):
        picture = f"--screenshot={Path(pictures) / name}.png"
        subprocess.run([browser, *options, picture, page.as_uri()], timeout=60, check=True)
    done = subprocess.run(
        [*command, page.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    (body,) = re.findall(r"<body ([^>]*)>", done.stdout)
    return dict(re.findall(r'data-(\w+)="([^"]*)"', body))


def test_staging(browser: str, step: Step, call: Call, directories: list[str]) -> None:
    """The summary of a staging leads to the commit and the run, and nothing is cut off."""
    metadata = "\n".join(f"key{i}=value {i}" for i in range(30))
    regions = " ".join(directories)
    done = call(**to_stage(step, metadata=metadata, save_filename="true", regions=regions))

    page = displayed(browser, done.summary, step.temp, "staging")

    home = "https://github.example/octocat/SugarWater"
    links = [home, f"{home}/commit/0123456789abcdef0123456789abcdef01234567"]
    links.append(f"{home}/actions/runs/42")
    assert page == {"wide": "0", "hidden": "1", "links": " ".join(links)}


def test_failure(browser: str, step: Step, call: Call, directories: list[str]) -> None:
    """The text of an error is broken where the page ends, long names included."""
    Session(regions=directories[:1]).stage("SugarWater", "1.0.0", step.workspace / step.file())
    folder = "deeply/" * 40
    regions = f"{directories[0]} file:./{folder}a file:./{folder}b"

    done = call(command="info", project="SugarWater", version="2.0.0", regions=regions)

    assert done.exit_code == 3
    page = displayed(browser, done.summary, step.temp, "failure")
    assert (page["wide"], page["links"]) == ("0", "")


def test_versions(browser: str, step: Step, call: Call, directories: list[str]) -> None:
    """Of a list that is longer than a screen, the rest is not seen until somebody opens it."""
    session = Session(regions=directories[:1])
    for patch in range(25):
        session.stage("SugarWater", f"1.0.{patch}", step.workspace / step.file())

    done = call(command="versions", project="SugarWater", regions=directories[0], long="true")

    page = displayed(browser, done.summary, step.temp, "versions")
    assert (page["wide"], page["hidden"]) == ("0", "1")
