"""The page of troubleshooting quotes what the reader sees."""

import ast
import re

from tests.consistency.documents import column
from tests.support.runner_step import PROJECT

PAGE = "docs/troubleshooting.md"

# What a new user meets first.
COMMON = [
    *("no regions are named", "nothing has been staged in", " did not answer "),
    *("GitHub gave no OpenID Connect token", "cannot make a client for"),
    *("there are no usable AWS credentials for", "there is no organisation configuration in"),
    *("is not a semantic version", "is already staged with other content", "there is no file"),
]


def texts_in_code() -> list[str]:
    """Return every text in the code, with a gap where a value is put in."""
    found = []
    for path in [*(PROJECT / "src").rglob("*.py"), *(PROJECT / "composite").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(_constant(part) for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def _constant(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "\0"


def test_troubleshooting_quotes_the_code() -> None:
    """Every text in the tables of troubleshooting is part of a message in the code."""
    composite = (PROJECT / "composite" / "action.yml").read_text(encoding="utf-8")
    texts = [*texts_in_code(), composite]
    quoted = [cell.split("`")[1] for cell in column(PAGE)]
    # In N of M, capital letters stand for what is put in.
    quoted = [re.sub(r"\b[KMN]\b", "\0", quote) for quote in quoted]
    missing = [quote for quote in quoted if not any(quote in text for text in texts)]

    assert set(COMMON) <= set(quoted)
    assert missing == []
