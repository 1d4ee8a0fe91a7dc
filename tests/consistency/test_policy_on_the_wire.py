"""The policy for each command allows what it asks of AWS, and nothing that it can do without."""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from startifact.errors import StartifactError
from startifact.organisation.policy import policy
from startifact.permissions import BOOTSTRAP_PERMISSIONS, OPERATIONS, PERMISSIONS, When
from tests.conftest import AwsAccount
from tests.consistency.policy_scenarios import REGIONS, SCENARIOS, Scenario, Setting
from tests.support.iam import ACCOUNT, Asked, Statements, allows, enforced, listed
from tests.support.runner_step import PROJECT
from tests.support.server import remember
from tests.support.wire import Wire

MOVED = "prod"
"""The channel that operations move which move one."""

COMPARING = {"verify", "repair", "repair-keep"}
"""Operations that have more to do where there are two regions."""

NEEDS_CHANNEL = {name for p in PERMISSIONS for name in p.operations if "{channel}" in str(p)}


def statements_for(*operations: str, here: Setting, **options: Any) -> Statements:
    """Return the statements of the policy for *operations* in the account of *here*."""
    projects = [] if set(operations) <= {"projects", "setup"} else [here.project]
    options = {
        "projects": projects,
        "channels": [MOVED] if NEEDS_CHANNEL & set(operations) else [],
        "regions": here.regions,
        "buckets": {region: here.account.buckets[region] for region in here.regions},
        "account": ACCOUNT,
        "configuration_parameter": here.account.parameter,
        "bucket_name_param": here.account.bucket_parameter,
        "bucket_key_prefix": here.prefix,
        "parameter_name_prefix": f"/team-{here.account.unique}",
    } | options
    iam_policy: dict[str, Any] = json.loads(json.dumps(policy(*operations, **options)))
    found: Statements = iam_policy["Statement"]
    return found


@dataclass
class Outcome:
    """What came of an operation that a policy was enforced on."""

    statements: Statements
    asked: list[Asked]
    denied: list[Asked]
    complaints: list[str]
    """Its error, its warnings, and which uploads are left; without the name of the project."""


@pytest.fixture
def attempt(
    account: AwsAccount, wire: Wire, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Any:
    """Return what enforces the policy for an operation, or what is made of it, on a scenario."""
    caplog.set_level(logging.INFO, "startifact")
    loaders: dict[str, Any] = {}
    settings: dict[int, tuple[Setting, Callable[[], None]]] = {}

    def run(
        operation: str,
        scenario: Scenario,
        *,
        lacks: tuple[str, str] | None = None,
        configured: Mapping[str, object] | None = None,
        **options: Any,
    ) -> Outcome:
        prefix = options.get("bucket_key_prefix", "team/")
        if id(scenario) not in settings:
            regions = REGIONS if operation in COMPARING else REGIONS[:1]
            loader = loaders.get(prefix)
            here = Setting(account, tmp_path, prefix, regions, loader, options=configured or {})
            loaders[prefix] = here.loader
            scenario.prepare(here)
            settings[id(scenario)] = here, remember(REGIONS, account.unique)
        here, put_back = settings[id(scenario)]
        put_back()
        statements = without(statements_for(operation, here=here, **options), lacks)
        asked: list[Asked] = []
        if scenario.rule:
            wire.add(scenario.rule)
        wire.add(enforced(statements, asked))
        caplog.clear()
        complaints = []
        try:
            with here.new_session() as session:
                scenario.act(session, here)
        except (StartifactError, AssertionError) as e:
            hint = getattr(e, "hint", None)
            complaints.append(f"{type(e).__name__}: {e} {hint or ''}")
        wire.clear()
        complaints += [
            record.getMessage()
            for record in caplog.records
            if record.levelno >= logging.WARNING or "was not aborted" in record.getMessage()
        ]
        denied = [one for one in asked if not allows(statements, one)]
        texts = [text.replace(here.project, "P") for text in complaints]
        return Outcome(statements, asked, denied, texts)

    return run


def without(statements: Statements, lacks: tuple[str, str] | None) -> Statements:
    """Return *statements* without one action of one of them, named by its Sid."""
    left = deepcopy(statements)
    for statement in left:
        if lacks and statement["Sid"] == lacks[0]:
            statement["Action"] = [a for a in listed(statement["Action"]) if a != lacks[1]]
    return left


def allowed(statements: Statements) -> Iterator[tuple[str, str]]:
    """Yield each action that *statements* allow, with the Sid of its statement."""
    for statement in statements:
        if statement["Effect"] == "Allow":
            yield from ((statement["Sid"], action) for action in listed(statement["Action"]))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.represented_by(
    "stage", "download", "promote", "prune", "copy-to", "verify", "link", "setup"
)
def test_policy_is_exact(operation: str, attempt: Any) -> None:
    """With its policy an operation does all it can, and without any action of it, something fails.

    S3 hides from it which objects are absent, since it may list its project alone.
    """
    scenarios = SCENARIOS[operation]
    outcomes = [attempt(operation, scenario) for scenario in scenarios]
    needed = list(allowed(outcomes[0].statements))

    assert [(outcome.denied, n) for n, outcome in enumerate(outcomes) if outcome.denied] == []
    for outcome, scenario in zip(outcomes, scenarios, strict=True):
        assert bool(outcome.complaints) == bool(scenario.says), outcome.complaints
        assert scenario.says in str(outcome.complaints)
    assert [action for action in needed if not matters(operation, action, outcomes, attempt)] == []


def matters(
    operation: str, lacks: tuple[str, str], outcomes: Sequence[Outcome], attempt: Any
) -> bool:
    """Say whether a scenario ends otherwise without an action, and names it.

    One is enough, and those that send much are tried last. Not every one has to name it: a warning
    about what is of less matter is one line, which does not.
    """
    cases = list(zip(SCENARIOS[operation], outcomes, strict=True))
    for scenario, before in sorted(cases, key=lambda case: case[0].rule is not None):
        left = without(before.statements, lacks)
        if all(allows(left, one) for one in before.asked):
            continue
        after = attempt(operation, scenario, lacks=lacks)
        named = lacks[1] in str(after.complaints)
        if named and after.denied and after.complaints != before.complaints:
            return True
    return False


# Only doctor looks at these, and says that it cannot where they are not allowed: docs/doctor.md.
SETTINGS = "bucket_settings.py"
# What the policy of a bucket denies is no permission that somebody lacks.
DENIED = "bucket_policy.py"
WITHIN_OBJECT_LOCK = {"s3:BypassGovernanceRetention"}
"""What a person may do to remove what is locked, and no command does."""


def test_actions_in_messages() -> None:
    """Messages and hints name no action that the table does not have, and each that it does."""
    named = {
        action
        for path in (PROJECT / "src" / "startifact").rglob("*.py")
        if path.name not in {"permissions.py", SETTINGS, DENIED}
        for action in re.findall(r"\b(?:s3|ssm):[A-Z][A-Za-z]+", path.read_text(encoding="utf-8"))
    }

    # Of these S3 says what it asks, and the hint names that: they are no requests of their own.
    said_by_s3 = {When.KMS, When.TAGS, When.LOCK, When.TO_ROLE}
    known = {action for p in PERMISSIONS if p.when not in said_by_s3 for action in p.actions}
    of_bootstrap = {action for p in BOOTSTRAP_PERMISSIONS for action in p.actions}
    assert known <= named - WITHIN_OBJECT_LOCK <= known | of_bootstrap


KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
TAGS = ({"object_tags": {"team": "build"}}, {"object_tags": True})
LOCK = ({"object_lock_mode": "GOVERNANCE", "object_lock_days": 1}, {"object_lock": True})
KMS = ({"kms_key": KEY}, {"kms_keys": [KEY]})


@pytest.mark.parametrize(
    ("operation", "number", "option", "needed"),
    [
        ("stage", 1, TAGS, {"s3:PutObjectTagging"}),
        ("repair-keep", 0, TAGS, {"s3:PutObjectTagging"}),
        ("stage", 1, LOCK, {"s3:PutObjectRetention"}),
        ("stage", 1, KMS, {"kms:Decrypt", "kms:GenerateDataKey"}),
        ("promote", 0, KMS, {"kms:Decrypt", "kms:GenerateDataKey"}),
        ("download", 2, KMS, {"kms:Decrypt"}),
    ],
)
def test_options(
    operation: str,
    number: int,
    option: tuple[dict[str, object], dict[str, Any]],
    needed: set[str],
    account: AwsAccount,
    attempt: Any,
) -> None:
    """With an option of the configuration the policy for it suffices, and nothing less does."""
    configured, options = option
    for region, bucket in account.buckets.items() if option is LOCK else ():
        s3 = account.s3(region)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
        )
    scenario = SCENARIOS[operation][number]

    outcome = attempt(operation, scenario, configured=configured, **options)

    assert (outcome.denied, outcome.complaints) == ([], [])
    more = [(sid, action) for sid, action in allowed(outcome.statements) if action in needed]
    assert {action for _, action in more} == needed
    for lacks in more:
        after = attempt(operation, scenario, lacks=lacks, configured=configured, **options)
        assert lacks[1] in str(after.complaints)


@pytest.mark.parametrize("prefix", ["", "it's(a)/*!/"])
@pytest.mark.parametrize("operation", ["stage", "download", "promote", "prune", "repair"])
def test_key_prefix(operation: str, prefix: str, attempt: Any) -> None:
    """A key prefix is allowed as it is written, also where a character of it means more in IAM."""
    outcome = attempt(operation, SCENARIOS[operation][0], bucket_key_prefix=prefix)

    assert outcome.asked
    assert (outcome.denied, outcome.complaints) == ([], [])


@pytest.mark.parametrize("projects", [["P*"], ["Other", "P*", "More"], ["*"]], ids=str)
@pytest.mark.parametrize("operation", ["stage", "download", "yank"])
def test_several_projects(operation: str, projects: list[str], attempt: Any) -> None:
    """A policy for several projects, or for all that begin so, suffices for each of them."""
    outcome = attempt(operation, SCENARIOS[operation][0], projects=projects)

    assert (outcome.denied, outcome.complaints) == ([], [])


@pytest.mark.parametrize("operation", ["stage", "download", "promote", "yank", "prune", "repair"])
def test_another_project(operation: str, attempt: Any) -> None:
    """A policy for other projects does not suffice, not even for one whose name begins alike."""
    outcome = attempt(operation, SCENARIOS[operation][0], projects=["P", "Other", "*-P"])

    assert outcome.denied
    assert outcome.complaints


def test_another_channel(attempt: Any) -> None:
    """A policy for one channel does not move another one, and a denial is not to be got round."""
    scenario = SCENARIOS["promote"][0]

    other = attempt("promote", scenario, channels=["staging", "prod-eu"])
    denied = attempt("promote", scenario, channels=["prod"], denied_channels=["prod"])

    for outcome in (other, denied):
        assert {one.action for one in outcome.denied} == {"s3:PutObject"}
        assert "s3:PutObject" in str(outcome.complaints)
