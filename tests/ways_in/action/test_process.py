"""The entry point as a process of its own: bugs, many warnings, unsafe surroundings."""

import logging
import subprocess
import sys

import pytest

from startifact.action import main as module
from startifact.concurrency.progress import Progress
from startifact.errors import StartifactError
from tests.support.runner_step import ACTION, TIMEOUT, Done, Step
from tests.ways_in.action.conftest import Call

UNSAFE_TEXT = "\n::set-output name=version::evil\r::error::x\n##[add-mask]a\u2028::stop-commands::t"

# Where coverage is measured, Python has loaded more before it begins.
LOADED = (
    "import sys\n"
    "before = set(sys.modules)\n"
    "from startifact.action.process import run\n"
    "code = run()\n"
    "print(*(set(sys.modules) - before), file=sys.stderr)\n"
    "sys.exit(code)\n"
)


def staging(step: Step, regions: str = "file:artifacts", **more: str) -> dict[str, str]:
    return {
        "command": "stage",
        "project": "SugarWater",
        "version": "1.0.0",
        "path": step.file(),
        "regions": regions,
        **more,
    }


def test_happy_path(step: Step) -> None:
    """A step that succeeds writes no command, nothing to standard error, and all its outputs."""
    done = step.run(**staging(step))

    assert done.exit_code == 0, done.stdout + done.stderr
    assert done.commands == []
    assert done.stderr == ""
    assert set(done.outputs) == set(ACTION["outputs"])
    assert done.outputs["created"] == "true"


def test_in_aws(step: Step, account: object) -> None:
    """A step works with regions that the organisation configuration names, and stays quiet."""
    done = step.run({"AWS_PROFILE": "", "AWS_SESSION_TOKEN": " "}, **staging(step, regions=""))

    assert done.exit_code == 0, done.stdout + done.stderr
    assert done.outputs["uri"].startswith("s3://")
    assert done.commands == []
    assert done.stderr == ""


def test_no_network(step: Step) -> None:
    """A step without a role, and with directories only, loads nothing that speaks HTTP or TLS."""
    done = step.finish(
        step.start(staging(step), arguments=("-I", "-u", "-X", "utf8", "-c", LOADED))
    )

    assert done.exit_code == 0, done.stdout + done.stderr
    assert set(done.stderr.split()) & {"http.client", "ssl", "urllib.request", "botocore"} == set()


def test_mistake(step: Step) -> None:
    """A mistake is one error annotation, and nothing else is in the log."""
    done = step.run(command="stage", project="..", version="1.1", path="x")

    assert done.exit_code == 2
    assert len(done.errors) == 1
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
    assert done.has_only("invalid-input")
    assert "1.1" in done.outputs["error"]


def check_that_the_rest_is_reported(done: Done, reported: list[str]) -> None:
    """Check that nine of the warnings that begin as in *reported* are annotations, all readable."""
    rest = [said for said in reported if not any(said in text for text in done.warnings)]
    assert len(rest) == len(reported) - 9
    for said in rest:
        assert f"\nWarning: {said}" in done.stdout
        assert said in done.summary.partition("More warnings")[2]


def test_many_warnings(step: Step) -> None:
    """A step that succeeds has fewer than ten annotations; log and summary have the rest."""
    step.file(b"", "blocked")
    dead = [f"file:blocked/{i}" for i in range(12)]
    regions = " ".join([*dead, *(f"file:{i}" for i in range(14))])

    done = step.run(**staging(step, regions))

    assert done.exit_code == 0
    assert [command.name for command in done.commands] == ["warning"] * 9
    check_that_the_rest_is_reported(done, [f"{region} failed to " for region in dead])


def test_many_warnings_and_an_error(step: Step) -> None:
    """The error of a step that fails is always one of its ten annotations."""
    regions = [f"file:{i}" for i in range(12)]
    step.run(**staging(step, " ".join(regions)))
    for path in step.workspace.rglob("artifact"):
        path.write_bytes(b"SUGAR AND WATER\n")
    for file in (step.output, step.summary):
        file.write_bytes(b"")

    done = step.run(
        command="download", project="SugarWater", path="file", regions=" ".join(regions)
    )

    assert done.exit_code == 7
    assert [command.name for command in done.commands] == ["warning"] * 9 + ["error"]
    check_that_the_rest_is_reported(done, [f"SugarWater@1.0.0 in {region} " for region in regions])


@pytest.mark.parametrize(
    ("output", "exit_code"), [("", 2), ("../gone", 9), (".", 9)], ids=["unset", "gone", "folder"]
)
def test_output_file(output: str, exit_code: int, step: Step) -> None:
    """Without a file for the outputs the step fails before it does anything, and names it."""
    done = step.run({"GITHUB_OUTPUT": output}, **staging(step))

    assert done.exit_code == exit_code
    assert [command.name for command in done.commands] == ["error"]
    assert "GITHUB_OUTPUT" in done.errors[0]
    assert not (step.workspace / "artifacts").exists()


def test_leaky_environment(step: Step) -> None:
    """What a job puts into the environment and the workspace does not get into the program."""
    for name in ("json", "boto3", "yaml", "startifact", "sitecustomize"):
        for folder in (step.workspace, step.workspace / "src"):
            folder.mkdir(exist_ok=True)
            (folder / f"{name}.py").write_text("raise SystemExit('imported')")
    leaks = {
        "PATH": "/home/runner/.local/bin",
        "PYTHONPATH": str(step.workspace / "src"),
        "PYTHONHOME": "/nowhere",
        "PYTHONIOENCODING": "ascii",
        "PYTHONSTARTUP": str(step.workspace / "json.py"),
        "LC_ALL": "xx",
        "LANG": "xx",
    }

    done = step.run(leaks, **staging(step, metadata="greeting=Grüße"))

    assert done.exit_code == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.outputs["metadata"] == '{"greeting":"Grüße"}'


def test_without_the_interpreter_s_options(step: Step) -> None:
    """Started plainly where the environment says ASCII, it can say everything all the same."""
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"}

    done = step.finish(
        step.start(
            staging(step, regions="file:Grüße"), ascii_only, arguments=("-m", "startifact.action")
        )
    )

    assert done.exit_code == 0, done.stdout + done.stderr
    assert "file:Grüße: created" in done.stdout


CRASH = f"""
import sys, threading
from startifact.action import process as entry

class Broken:
    def __del__(self):
        raise ValueError({UNSAFE_TEXT!r})

def crash(*_):
    def in_thread():
        raise ValueError({UNSAFE_TEXT!r})
    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    Broken()
    import logging, warnings
    logging.getLogger("somebody.else").error({UNSAFE_TEXT!r})
    warnings.warn({UNSAFE_TEXT!r})
    raise KeyError({UNSAFE_TEXT!r})

entry.main = crash
sys.exit(entry.run())
"""


@pytest.mark.parametrize("debug", ["", "1"])
def test_bug_anywhere(debug: str, step: Step) -> None:
    """
    A bug that nobody caught is one error. Tracebacks come with debug logging, and do nothing.
    """
    ran = subprocess.run(
        [sys.executable, "-I", "-u", "-X", "utf8", "-c", CRASH],
        cwd=step.workspace,
        env=step.environment({}, {"RUNNER_DEBUG": debug}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )

    done = step.done(ran.returncode, ran.stdout.decode(), ran.stderr.decode())
    assert done.exit_code == 1
    assert [command.name for command in done.commands] == ["error"]
    assert done.errors[0].startswith("this is a bug in Startifact: KeyError")
    assert done.stderr == ""
    assert done.stdout.count("Traceback") == (3 if debug else 0)


@pytest.mark.parametrize("debug", ["", "1"])
def test_bug(debug: str, step: Step, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in what the step does is one error that says so, with exit code 1."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(UNSAFE_TEXT)

    monkeypatch.setattr(module, "execute", broken)

    done = call({"RUNNER_DEBUG": debug}, **staging(step))

    assert done.exit_code == 1
    assert [command.name for command in done.commands] == ["error"]
    assert done.errors[0].startswith("this is a bug in Startifact: ZeroDivisionError")
    assert ("Traceback" in done.stdout) == bool(debug)
    assert done.has_only("bug", project="SugarWater", version="1.0.0")
    assert "failed with exit code 1" in done.summary


def test_error_without_hint(step: Step, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that knows no next step is reported without one."""

    def broken(*_: object, **__: object) -> None:
        raise StartifactError("it went wrong")

    monkeypatch.setattr(module, "execute", broken)

    done = call(**staging(step))

    assert done.errors == ["it went wrong"]
    assert "Hint" not in done.summary


def test_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """The log says now and then how far a region has got, and not at every block."""
    now = [0.0]
    reporter = module.Reporter(clock=lambda: now[0])

    for second in range(31):
        now[0] = float(second)
        for done in (2 * second, 2 * second + 1):
            reporter(Progress(verb="stage", artifact="a", region="r", done=done, total=1000))
    now[0] = 100.0
    reporter(Progress(verb="hash", artifact="a", region="", done=50, total=1000))

    assert capsys.readouterr().out.splitlines() == [
        "r: 2 % of 1,000 bytes",
        "r: 4 % of 1,000 bytes",
        "r: 6 % of 1,000 bytes",
        "reading the file: 5 % of 1,000 bytes",
    ]


def test_debug_logging(step: Step, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library logs for debugging is only in the log of a run with debugging on."""
    logger = logging.getLogger("startifact.somewhere")

    def log(*_: object, **__: object) -> None:
        logger.debug("a detail\n::error::x")
        raise StartifactError("the end")

    monkeypatch.setattr(module, "execute", log)

    quiet = call(**staging(step))
    loud = call({"RUNNER_DEBUG": "1"}, **staging(step))

    assert "a detail" not in quiet.stdout
    assert "a detail" in loud.stdout
    assert len(loud.commands) == 1
