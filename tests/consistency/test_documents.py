"""What is written twice says the same: the documents, action.yml, and the code."""

import dataclasses
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import startifact
from startifact import errors, settings
from startifact.action import runner
from startifact.action.inputs import StepInputs
from startifact.action.outputs import OUTPUTS
from startifact.cli.arguments import Arguments
from startifact.cli.bootstrap import BootstrapInputs
from startifact.cli.policy import PolicyInputs
from startifact.cli.setup import SetupInputs
from startifact.commands.inputs import COMMAND_INPUTS, SessionInputs
from startifact.definitions import WayIn
from startifact.limits import MAX_METADATA_BYTES
from startifact.options import commands_of, options_of
from tests.consistency.documents import PAGES, USES_ACTION, USES_WORKFLOW, column

PROJECT = Path(__file__).parents[2]
ACTION = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))


def test_inputs_of_action_yml_are_the_ones_that_are_read() -> None:
    """Every input in action.yml is a field of a step's inputs, and the reverse."""
    kinds = (StepInputs, SessionInputs, *COMMAND_INPUTS.values())
    names = (field.name for kind in kinds for field in dataclasses.fields(kind))
    fields = {name.rstrip("_").replace("_", "-") for name in names}

    assert set(ACTION["inputs"]) == fields - {"session"}


@pytest.mark.parametrize("command", COMMAND_INPUTS)
def test_inputs_of_a_command(command: str) -> None:
    """A command has the inputs that the table of options says it uses, and no others."""
    fields = {field.name for field in dataclasses.fields(COMMAND_INPUTS[command])}
    others = {field.name for k in (StepInputs, SessionInputs) for field in dataclasses.fields(k)}

    assert fields == {option.identifier for option in options_of(WayIn.ACTION, command)} - others
    assert set(COMMAND_INPUTS) == set(commands_of(WayIn.ACTION))


@pytest.mark.parametrize("kind", [BootstrapInputs, PolicyInputs, SetupInputs])
def test_inputs_of_a_shell(
    kind: type[BootstrapInputs] | type[PolicyInputs] | type[SetupInputs],
) -> None:
    """What every option says that only a shell's command takes is a field of its inputs.

    Or it is one of the process.
    """
    fields = {field.name for field in dataclasses.fields(kind)} - {"entries"}
    others = {field.name for field in dataclasses.fields(Arguments)}
    taken = {option.identifier for option in options_of(WayIn.SHELL, kind.command)}

    assert taken - others == fields


def test_inputs_that_two_commands_share() -> None:
    """What bootstrap takes as setup does is written once, in a class that both inherit from."""
    of_bootstrap, of_setup = (
        inspect.get_annotations(BootstrapInputs),
        inspect.get_annotations(SetupInputs),
    )
    both = of_bootstrap.keys() & of_setup.keys() - {"command"}

    # These setup cannot do without.
    assert both == {"regions", "bucket_name_param"}
    assert all(of_bootstrap[name] != of_setup[name] for name in both)


def test_inputs_have_descriptions_and_quoted_defaults() -> None:
    """Every input says what it is, and its default is a string."""
    for name, value in ACTION["inputs"].items():
        assert re.fullmatch(r"[a-z][a-z0-9-]*", name)
        assert value["description"].strip()
        assert isinstance(value.get("default", ""), str), name


def test_exit_codes_of_the_page() -> None:
    """The page lists every exit code that an error has, and no other."""

    def codes(kind: type[errors.StartifactError]) -> set[int]:
        return {kind.exit_code}.union(*(codes(sub) for sub in kind.__subclasses__()))

    listed = {int(code) for code in column("docs/reference/exit-codes.md")}

    assert listed == codes(errors.StartifactError) | {0, 130, 143}


def test_environment_variables_of_the_page() -> None:
    """Every STARTIFACT_ variable that people may set is on the page; we set the others."""

    def names(module: ModuleType) -> set[str]:
        source = Path(module.__file__ or "").read_text(encoding="utf-8")
        return set(re.findall(r'"(STARTIFACT_\w+)"', source))

    listed = set(re.findall(r"STARTIFACT_\w+", " ".join(column("docs/reference/environment.md"))))

    assert listed == names(settings)
    assert names(runner) == {"STARTIFACT_CONTAINER", "STARTIFACT_ACTION"}


def test_bytes_of_metadata() -> None:
    """The page of what is stored says how much metadata there may be."""
    assert f"Metadata has {MAX_METADATA_BYTES:,} bytes" in PAGES["docs/storage.md"]


def test_public_names() -> None:
    """What is listed here stays exported; what else is, follows from what that shows."""
    listed = [
        "Artifact",
        "Configuration",
        "ConfigurationLoader",
        "Downloader",
        "Finding",
        "FindingKind",
        "IfExists",
        "Key",
        "Limits",
        "Location",
        "Mirror",
        "Origin",
        "Part",
        "Progress",
        "ProgressCallback",
        "Region",
        "RegionOutcome",
        "Repair",
        "RetryLimits",
        "Session",
        "Settings",
        "Source",
        "Staging",
        "State",
        "Step",
        "StoredArtifact",
        "StoredChannel",
        "Verification",
        "WebIdentity",
        "__version__",
        "deadline",
        "errors",
    ]

    assert set(listed) <= set(startifact.__all__)


def our_steps(path: Path) -> list[dict[str, Any]]:
    """Return the steps of a workflow that use the action, in whichever form."""
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    steps = [step for job in jobs.values() for step in job.get("steps", [])]
    return [step for step in steps if USES_ACTION.match(step.get("uses", ""))]


WORKFLOWS = [
    *sorted((PROJECT / "examples" / "workflows").glob("*.yml")),
    *(
        PROJECT / ".github" / "workflows" / f"{name}.yml"
        for name in ("self-test", "stage", "download", "promote")
    ),
]


def called(job: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the reusable workflow is called with that *job* calls, if it does."""
    match = USES_WORKFLOW.fullmatch(job.get("uses", ""))
    return reusable(match[1])[True]["workflow_call"] if match else None


def reusable(name: str) -> dict[Any, Any]:
    """Return a reusable workflow. YAML 1.1 takes the key on for a boolean."""
    path = PROJECT / ".github" / "workflows" / f"{name}.yml"
    encoded_record: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return encoded_record


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_use_declared_inputs(path: Path) -> None:
    """Workflows give the action only inputs it declares, each as a string."""
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    steps = our_steps(path)

    assert steps or any(called(job) for job in jobs)
    for step in steps:
        assert set(step["with"]) <= set(ACTION["inputs"])
        assert all(isinstance(value, str) for value in step["with"].values())
    for job in jobs:
        check_call(job)


@pytest.mark.parametrize("name", ["ci", "self-test"])
def test_image_on_arm(name: str) -> None:
    """Where the page says that the image is tested on ARM, it is built and run there."""
    job = reusable(name)["jobs"]["container"]
    runners = ["ubuntu-latest", "ubuntu-24.04-arm"]

    assert "`ubuntu-24.04-arm`" in PAGES["docs/workflows.md"]
    assert job["runs-on"] == "${{ matrix.os }}"
    assert job["strategy"]["matrix"] == {"os": runners}


def check_call(job: dict[str, Any]) -> None:
    """Check that a job that calls a reusable workflow gives what that needs, and no more."""
    if (call := called(job)) is not None:
        needed = {name for name, i in call["inputs"].items() if i.get("required")}
        assert needed <= set(job["with"]) <= set(call["inputs"])
        assert job["permissions"] == {"id-token": "write"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_read_declared_outputs(path: Path) -> None:
    """Workflows read only outputs that the step or the called workflow they name declares."""
    text = path.read_text(encoding="utf-8")
    ours = {step["id"] for step in our_steps(path) if "id" in step}

    read = re.findall(r"steps\.([a-z-]+)\.outputs\.([a-z0-9-]+)", text)
    needed = re.findall(r"needs\.([a-z-]+)\.outputs\.([a-z0-9-]+)", text)

    assert {output for step, output in read if step in ours} <= set(ACTION["outputs"])
    for name, output in needed:
        job = yaml.safe_load(text)["jobs"][name]
        assert output in (job.get("outputs") or (called(job) or {}).get("outputs", {}))


@pytest.mark.parametrize(
    ("name", "left_out", "more"),
    [
        ("stage", {"command"}, {"artifact"}),
        (
            "download",
            {"command", "path", "load-filename", "overwrite", "lock-file"},
            {"artifact", "filename"},
        ),
        ("promote", {"command"}, {"environment"}),
    ],
)
def test_reusable_workflows_are_the_action(name: str, left_out: set[str], more: set[str]) -> None:
    """A reusable workflow has what the action has, with the same defaults, and hands it on."""
    workflow = reusable(name)
    call, job = workflow[True]["workflow_call"], workflow["jobs"][name]
    (ours,) = (step for step in job["steps"] if step.get("id") == name)

    used = {option.name for option in options_of(WayIn.ACTION, name)}
    given = {output.name for output in OUTPUTS.values() if output.given_by(name)}

    assert set(call["inputs"]) == used - left_out | more
    assert set(call["outputs"]) - {"artifact-id"} == given - {"path"}
    assert {n: o["value"] for n, o in call["outputs"].items()} == {
        output: f"${{{{ jobs.{name}.outputs.{output} }}}}" for output in job["outputs"]
    }
    assert all(v.endswith(f".outputs.{n} }}}}") for n, v in job["outputs"].items())
    assert all({"description", "type"} <= set(i) for i in call["inputs"].values())
    names: dict[str, str] = next((s["env"] for s in job["steps"] if s.get("id") == "names"), {})
    given_on = {**ours["with"], "path": names.get("LINES_OF_PATH")}
    for input_ in set(call["inputs"]) - more:
        assert given_on[input_] == f"${{{{ inputs.{input_} }}}}"
    same = set(call["inputs"]) - more - {"save-filename", "version"}
    for input_ in same - {"project", "path", "channel"}:
        default = call["inputs"][input_]["default"]
        default = str(default).lower() if isinstance(default, bool) else default
        assert default == ACTION["inputs"][input_]["default"], input_
    assert "secrets" not in call


def test_defaults_of_save_filename() -> None:
    """The page of workflows says where the reusable workflow and the action differ."""
    inputs = reusable("stage")[True]["workflow_call"]["inputs"]

    assert inputs["save-filename"]["default"] is True
    assert ACTION["inputs"]["save-filename"]["default"] == "false"
    assert (
        "`save-filename` is `true` in stage.yml and `false` in the action"
        in PAGES["docs/workflows.md"]
    )


@pytest.mark.parametrize("name", ["stage", "download", "promote"])
def test_reusable_workflows_use_their_own_commit(name: str) -> None:
    """Who pins a reusable workflow pins the action: it is fetched from the same commit."""
    steps = reusable(name)["jobs"][name]["steps"]
    known, fetched = steps[:2]
    uses = [step["uses"] for step in steps if "uses" in step]

    assert known["if"] == "job.workflow_sha == ''"
    assert fetched["with"] == {
        "repository": "${{ job.workflow_repository }}",
        "ref": "${{ job.workflow_sha }}",
        "path": ".startifact",
        "persist-credentials": False,
    }
    ours = next(step for step in steps if step.get("uses") == "./.startifact")
    assert ours["env"] == {
        "STARTIFACT_ACTION": "${{ job.workflow_repository }}@${{ job.workflow_sha }}"
    }
    assert all(re.search(r"@[0-9a-f]{40}$", u) for u in uses if u != "./.startifact")
