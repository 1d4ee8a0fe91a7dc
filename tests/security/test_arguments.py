"""Whatever stands on the command line is reported harmlessly, and nothing is sent."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.security.conftest import Run
from tests.security.texts import CORPUS, unsafe_text

# These repeat themselves many times; measuring coverage would double their time.
pytestmark = pytest.mark.no_cover

WORDS: dict[str, list[str]] = {
    "command": ["{}"],
    "option": ["info", "P", "--{}"],
    "project": ["info", "{}", "--regions=file:x"],
    "selector": ["info", "P@{}", "--regions=file:x"],
    "version": ["stage", "P@{}", "nothing", "--regions=file:x"],
    "path": ["stage", "P@1.0.0", "{}", "--regions=file:x"],
    "metadata": ["stage", "P@1.0.0", "nothing", "--metadata={}", "--regions=file:x"],
    "regions": ["info", "P", "--regions={}"],
    "bucket": ["info", "P", "--regions=s3://{}"],
    "endpoint": ["info", "P", "--regions=s3://bucket?endpoint={}"],
    "required": ["info", "P", "--regions=file:x", "--required-regions={}"],
    "parameter": ["info", "P", "--regions=file:x", "--configuration-parameter={}"],
    "deadline": ["info", "P", "--regions=file:x", "--deadline={}"],
    "keep": ["repair", "P@1.0.0", "--keep={}", "--regions=file:x"],
    "sha256": ["download", "P", "x", "--sha256={}", "--regions=file:x"],
    "lock-file": ["download", "P", "x", "--lock-file={}", "--regions=file:x"],
    "lock": ["lock", "{}", "--regions=file:x"],
    "lock --min-age": ["lock", "P@^1", "--min-age={}", "--regions=file:x"],
    "expires": ["link", "P", "--expires={}", "--regions=file:x"],
    "to": ["copy", "P", "--to={}", "--regions=file:x"],
    "to-role": ["copy", "P", "--to=us-east-1", "--to-role={}", "--regions=file:x"],
    "to-configuration-parameter": [
        *("copy", "P", "--to=us-east-1", "--to-configuration-parameter={}", "--regions=file:y"),
    ],
    "lock --update": ["lock", "--update", "{}", "--regions=file:x"],
    "if-exists": ["stage", "P@1.0.0", "x", "--if-exists={}"],
    "setup": ["setup", "--regions={}", "--bucket-name-param={}", "--bucket-key-prefix={}"],
}


def refuse(run: Run, what: str, text: str) -> None:
    words = [word.replace("{}", text) for word in WORDS[what]]
    reported = run(*words)
    data = run(*words, "--json")
    if reported.code:
        assert reported.code in {2, 3, 9}
        assert reported.out == ""
        assert reported.err.startswith("error: ")
    if data.code:
        assert data.json["error"]["exit-code"] == data.code


@pytest.mark.parametrize("what", WORDS)
def test_corpus(run: Run, what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Every argument can hold anything."""
    monkeypatch.chdir(str(tmp_path))
    for text in CORPUS:
        refuse(run, what, text)


@pytest.mark.parametrize("what", ["project", "version", "metadata", "endpoint"])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=unsafe_text)
def test_any_text(
    run: Run, what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object, text: str
) -> None:
    """The same is true of any text at all."""
    monkeypatch.chdir(str(tmp_path))
    refuse(run, what, text)
