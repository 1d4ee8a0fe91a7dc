"""What services and regions say, through the action: judged by the runner's own rules."""

from pathlib import Path

import pytest

from tests.functional.repair.project_fixture import CONTENT, OTHER, ProjectFixture, ssm_error
from tests.security.answers import answering, as_xml, wire_of
from tests.security.texts import STORABLE, is_harmless
from tests.support.runner_step import ACTION, Done, Step
from tests.support.wire import error
from tests.ways_in.action.conftest import Call

# These repeat themselves many times; measuring coverage would double their time.
pytestmark = pytest.mark.no_cover

COMMANDS = frozenset({"error", "warning", "notice", "debug"})


def check(done: Done, *, failed: bool = True) -> None:
    """Fail when the step did more than write annotations, or reported its failure twice."""
    names = [command.name for command in done.commands]
    assert names.count("error") == (1 if failed else 0), names
    assert set(names) <= COMMANDS, names
    assert all(is_harmless(command.data) for command in done.commands)
    assert is_harmless(done.stdout + done.stderr)
    assert (done.exit_code != 0) == failed
    assert done.exit_code != 1
    if failed:
        assert set(done.outputs) == set(ACTION["outputs"])
        assert done.outputs["outcome"] not in {"", "succeeded"}
        given = {"outcome", "exit-code", "error", "project", "version", "locations"}
        given |= {"versions", "differences"}  # of a comparison, where regions have failed
        assert not any(value for name, value in done.outputs.items() if name not in given)


def inputs(fixture: ProjectFixture, step: Step, number: int) -> dict[str, str]:
    """Return the inputs of one command after the other."""
    choices: list[dict[str, str]] = [
        {"command": "stage", "version": "2.0.0", "path": step.file(CONTENT)},
        {"command": "download", "version": "latest", "path": "back"},
        {"command": "info", "version": "1.0.0"},
        {"command": "verify"},
        {"command": "repair"},
    ]
    return {"project": fixture.project, **choices[number % len(choices)]}


@pytest.mark.parametrize("status", [400, 403])
def test_errors_of_s3(step: Step, call: Call, bucket_project: ProjectFixture, status: int) -> None:
    """An error's code and message can hold anything."""
    fixture = bucket_project
    for number, text in enumerate(STORABLE):
        said = as_xml(text)
        answer = error(status, "AccessDenied" if status == 403 else said, said)
        remove = wire_of(fixture).add(answering(answer))

        done = call(**inputs(fixture, step, number), regions=fixture.regions[0])

        remove()
        check(done)


def test_errors_of_ssm(step: Step, call: Call, aws_project: ProjectFixture) -> None:
    """So can those of SSM."""
    fixture = aws_project
    for number, text in enumerate(STORABLE):
        answer = ssm_error(["AccessDeniedException", text][number % 2], text)
        remove = wire_of(fixture).add(answering(answer, to=lambda request: request.operation))

        done = call(**inputs(fixture, step, number), regions="us-east-1")

        remove()
        check(done)


def test_region_that_fails(step: Step, call: Call, bucket_project: ProjectFixture) -> None:
    """A region that fails beside others that do not is a warning, whatever it says."""
    fixture = bucket_project
    fixture.stage()
    for number, text in enumerate(STORABLE[::2]):
        answer = error(403, "AccessDenied", as_xml(text))
        rule = answering(answer, to=lambda request: request.region == "eu-west-1")
        remove = wire_of(fixture).add(rule)
        step.output.write_bytes(b"")

        done = call(
            command="stage", project=fixture.project, version=f"2.{number}.0",
            path=step.file(text.encode(errors="replace") + b"x"), regions=",".join(fixture.regions),
        )  # fmt: skip

        remove()
        check(done, failed=False)
        assert done.outputs["version"] == f"2.{number}.0"
        assert done.outputs["created"] == "true"


def test_what_differs(step: Step, call: Call, file_project: ProjectFixture) -> None:
    """What differs between regions can hold anything, in the log and in the summary."""
    fixture = file_project
    fixture.stage(metadata={"lang": "dotnet"})
    regions = [str(Path(backend.root)) for backend in fixture.backends]  # type: ignore[attr-defined]
    for text in STORABLE:
        fixture.rewrite(fixture.b, fixture.key, OTHER, **{text: text, "startifact:sha256": text})
        fixture.c.plain(fixture.latest, text.encode())

        for command in ("verify", "repair"):
            done = call(
                command=command,
                project=fixture.project,
                regions=" ".join(f"file:{r}" for r in regions),
            )
            names = {c.name for c in done.commands}
            assert names <= COMMANDS
            assert is_harmless(done.stdout + done.stderr)
            assert done.exit_code in {4, 8}
