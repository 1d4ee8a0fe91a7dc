"""A job summary in a browser, as GitHub's page shows it."""

import re
import shutil
import subprocess
from pathlib import Path

from markdown_it import MarkdownIt

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDE = 1012
"""What GitHub has for a summary on a wide screen."""

# What GitHub's style sheet has for what a summary consists of, and a script that says what is
# wider than the page, and how high it is.
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ font: 14px/1.5 "Noto Sans", "Liberation Sans", Helvetica, Arial, sans-serif; margin: 0;
  padding: 16px; width: {width}px; box-sizing: border-box; overflow-wrap: break-word;
  color: #1f2328; background: #fff; }}
h3 {{ font-size: 1.25em; }}
h3, h4 {{ margin: 24px 0 16px; font-weight: 600; line-height: 1.25; }}
p, table, blockquote, details, pre {{ margin: 0 0 16px; }}
body > :first-child {{ margin-top: 0; }}
table {{ display: block; width: max-content; max-width: 100%; overflow: auto;
  border-collapse: collapse; }}
th {{ font-weight: 600; }}
th, td {{ padding: 6px 13px; border: 1px solid #d1d9e0; }}
tr {{ border-top: 1px solid #d1d9e0b3; }}
tbody tr:nth-child(2n) {{ background: #f6f8fa; }}
code, pre {{ font: 85% ui-monospace, "DejaVu Sans Mono", monospace; border-radius: 6px; }}
code {{ padding: .2em .4em; white-space: break-spaces; background: #818b981f; }}
pre {{ padding: 16px; overflow: auto; line-height: 1.45; background: #f6f8fa; }}
pre code {{ padding: 0; white-space: pre; background: none; font-size: 100%; }}
blockquote {{ padding: 0 1em; color: #59636e; border-left: .25em solid #d1d9e0; }}
summary {{ cursor: pointer; }}
a {{ color: #0969da; text-decoration: underline; }}
</style><body>{body}<script>
const all = selectors => [...document.querySelectorAll(selectors)];
const found = document.body.dataset;
found.wide = all("blockquote, blockquote *, h3, h3 *, p, details, summary")
  .filter(e => e.getBoundingClientRect().right > {width}).length;
found.scrolled = all("table").filter(e => e.scrollWidth > e.clientWidth).length;
found.hidden = all("details table").filter(e => !e.checkVisibility()).length;
found.links = all("a").map(e => e.href).join(" ");
found.height = Math.ceil(document.body.getBoundingClientRect().height);
</script>"""


def find_browser() -> str | None:
    """Return where a browser is; ``None`` where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


class Page:
    """The page of a *summary* that is *width* pixels wide, in files below *folder*."""

    def __init__(self, browser: str, summary: str, folder: Path, *, width: int = WIDE) -> None:
        self.width = width
        markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
        self._file = folder / "page.html"
        body = markdown.render(summary)
        self._file.write_text(PAGE.format(width=width, body=body), encoding="utf-8")
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
        self._command = [browser, *options, f"--user-data-dir={folder / 'profile'}"]

    def found(self) -> dict[str, str]:
        """Return what the script found."""
        done = self._browse("--dump-dom", f"--window-size={self.width},900")
        (body,) = re.findall(r"<body ([^>]*)>", done)
        return dict(re.findall(r'data-(\w+)="([^"]*)"', body))

    def draw(self, picture: Path, *, scale: float = 1) -> None:
        """Write an image of the whole page."""
        size = f"--window-size={self.width},{self.found()['height']}"
        scaled = f"--force-device-scale-factor={scale}"
        self._browse(size, scaled, "--hide-scrollbars", f"--screenshot={picture.absolute()}")

    def _browse(self, *options: str) -> str:
        command = [*self._command, *options, self._file.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout
