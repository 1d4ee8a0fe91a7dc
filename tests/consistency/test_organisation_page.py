"""The page of the organisation configuration shows what is read, under the names that are read."""

import json
import re

import pytest

from startifact.model.bucket_options import LOCK_MODES, OPTIONS, STORAGE_CLASSES
from startifact.model.configuration import parse_configuration
from startifact.model.regional_options import NAMES
from startifact.regions.factory import parse_spec
from tests.support.runner_step import PROJECT

PAGE = (PROJECT / "docs" / "organisation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL))
def test_examples(example: str) -> None:
    """What is shown is a configuration, or a part of one, with no key that would be ignored."""
    text = json.dumps({"bucket_name_param": "/bucket"} | json.loads(example))

    assert parse_configuration(text, source="the page").unknown_keys == ()


def test_spellings() -> None:
    """The spellings of buckets that are shown are read."""
    spelled = re.findall(r"`(s3://[a-z]+\?[^`]+)`", PAGE)

    assert len([parse_spec(text) for text in spelled]) == 2


def test_names() -> None:
    """Every option is named, in the form of a spelling too, and so are the values it may have."""
    dashed = [name.replace("_", "-") for name in OPTIONS]
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    named = {*re.findall(r"`([^`]+)`", prose)}

    assert [n for n in (*NAMES, *dashed, *STORAGE_CLASSES, *LOCK_MODES) if n not in named] == []
