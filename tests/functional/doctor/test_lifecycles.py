"""Lifecycle rules that are about a part of what there is, and whether somebody needs that."""

import pytest

from startifact import CheckState
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.functional.doctor.conftest import Examine, check_of, failures
from tests.functional.doctor.test_planted_faults import lifecycle
from tests.support.limits import Session
from tests.support.wire import Wire

EU = AWS_REGIONS[1]
UPLOADS = (
    "<Filter><Prefix/></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>1"
    "</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule><Rule><ID>old</ID>"
    "<Status>Enabled</Status>"
)
"""A rule that removes unfinished uploads, and the begin of another one."""


def deleting(filter_: str) -> str:
    return f"{UPLOADS}<Filter>{filter_}</Filter><Expiration><Days>30</Days></Expiration>"


@pytest.mark.parametrize(
    ("prefix", "what"),
    [
        ("team/Sugar", "artifacts"),
        ("team/SugarWater", "artifacts"),
        ("team/SugarWater@1.", "artifacts"),
        ("team/SugarWater/", "channels"),
        ("team/SugarWater/latest", "channels"),
    ],
)
def test_rule_for_a_project(examine: Examine, line: Wire, prefix: str, what: str) -> None:
    """A rule whose prefix is that of the project, or of a part of it, is named with what it does.

    Without a project nobody knows whether there is one to which it applies.
    """
    line.add(lifecycle(deleting(f"<Prefix>{prefix}</Prefix>")))

    found, of_no_project = examine(), examine(project=None)

    assert failures(found) == [(EU, "lifecycle")]
    check = check_of(found, EU, "lifecycle")
    assert check.found == f"rule 'old' deletes {what}"
    assert "put-bucket-lifecycle-configuration --bucket artifacts-" in str(check.hint)
    doubt = check_of(of_no_project, EU, "lifecycle")
    assert doubt.state is CheckState.UNKNOWN
    assert f"rule 'old' deletes what begins with '{prefix}'" in doubt.found
    assert "doctor('SugarWater', operation='stage')" in str(doubt.hint)


@pytest.mark.parametrize(
    "filter_",
    [
        "<Prefix>team/SugarWaterfall</Prefix>",
        "<Prefix>team/SugarWater/_probe/</Prefix>",
        "<Prefix>team/SugarWater/_quarantine/</Prefix>",
        "<Prefix>team/SugarWater@1</Prefix><Tag><Key>team</Key><Value>x</Value></Tag>",
        "<Prefix>teams/</Prefix>",
        "<Prefix>team/-x</Prefix>",
        "<Tag><Key>team</Key><Value>build</Value></Tag>",
    ],
)
def test_rule_for_something_else(examine: Examine, line: Wire, filter_: str) -> None:
    """One for another project, for what nobody needs or for other tags leaves artifacts alone."""
    line.add(lifecycle(deleting(f"<And>{filter_}</And>" if "Tag" in filter_ else filter_)))

    assert examine()


@pytest.mark.parametrize(
    ("tags", "harms"),
    [("team%3Dbuild%26x%3Dy", True), ("team%3Dother", False), ("", False)],
)
def test_rule_for_tags_of_artifacts(
    good_account: AwsAccount, line: Wire, tags: str, *, harms: bool
) -> None:
    """A rule for tags deletes artifacts where the configuration gives them those tags."""
    line.add(lifecycle(deleting("<Tag><Key>team</Key><Value>build</Value></Tag>")))
    spec = f"s3://{good_account.buckets[EU]}/team?region={EU}"
    spec += f"&object-tags={tags}" if tags else ""

    with Session(regions=[spec]) as session:
        found = session.doctor("SugarWater", operation="stage")

    check = check_of(found, spec, "lifecycle")
    assert (check.state is CheckState.FAILED) == harms
    assert ("rule 'old' deletes artifacts" in check.found) == harms
