"""The continuous integration runs the tests that it says, and holds the coverage gate."""

import itertools
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.support.runner_step import PROJECT

SCRIPT = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
CI = yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
PARAMETERS = {"TESTS", "SELECT", "EXHAUSTIVE", "COVERAGE"}
MARKERS = [
    re.split(r"[(:]", marker)[0]
    for marker in tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "pytest"
    ]["ini_options"]["markers"]
]


@dataclass(frozen=True)
class Pytest:
    """One run of pytest: the expression after ``-m``, the paths, and every option as it stands."""

    expression: str
    paths: list[str]
    options: list[str]

    @property
    def runs_explorations(self) -> bool:
        """Whether a test that is marked as exploration is selected, whatever else marks it."""
        return self._runs("exploration")

    @property
    def runs_exhaustive(self) -> bool:
        """Whether a parameter of a sweep that is not needed in each run is selected, likewise."""
        return self._runs("exhaustive", "exploration")

    def _runs(self, marker: str, *without: str) -> bool:
        known = {marker: True, **dict.fromkeys(without, False)}
        others = [marker for marker in MARKERS if marker not in known]
        # It is Python that holds nothing but names of markers, "and", "or", "not" and brackets.
        return any(
            eval(self.expression, {**known, **dict(zip(others, marked, strict=True))})
            for marked in itertools.product([False, True], repeat=len(others))
        )

    @property
    def has_gate(self) -> bool:
        """Whether it measures coverage and fails where too little is covered."""
        bounds = [o.partition("=")[2] for o in self.options if o.startswith("--cov-fail-under=")]
        return "--cov" in self.options and any(int(bound) >= 95 for bound in bounds)


def read_pytest(words: list[str]) -> Pytest:
    """Return the run that the *words* after ``python -m pytest`` are."""
    expression = "True"
    paths: list[str] = []
    options: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "-m":
            expression = next(rest)
        elif word in {"-n", "--dist", "-p", "-k"}:
            options += [word, next(rest)]
        else:
            (options if word.startswith("-") else paths).append(word)
    return Pytest(expression, paths, options)


def made(words: list[str]) -> str:
    """Return the commands that make would run for the *words* after ``make``."""
    # The variables of a make that runs this test are not those of the job.
    own = {n: v for n, v in os.environ.items() if "MAKE" not in n and n not in PARAMETERS}
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", *words],
        cwd=PROJECT,
        env=own,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def runs_of(script: str, variables: Mapping[str, str]) -> list[Pytest]:
    """Return every run of pytest in a shell *script*, those that make starts included."""
    script = re.sub(r"\$(\w+)", lambda match: variables.get(match[1], match[0]), script)
    found = []
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and re.match(r"\w+=", words[0]):
            words = words[1:]
        if words[:1] == ["make"]:
            found += runs_of(made(words[1:]), {})
        elif words[1:3] == ["-m", "pytest"]:
            found.append(read_pytest(words[3:]))
        else:
            assert "pytest" not in words, f"this test does not understand how {line!r} runs pytest"
    return found


def variants(job: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the values of the matrix of a job, for each variant of it."""
    matrix = dict(job.get("strategy", {}).get("matrix", {}))
    included = matrix.pop("include", None)
    if included is not None:
        assert not matrix, "this test does not understand a matrix with more than 'include'"
        return list(included)
    return [
        dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())
    ]


def runs_of_job(name: str) -> list[list[Pytest]]:
    """Return the runs of pytest of the job *name*, for each variant of its matrix."""

    def filled(text: str, matrix: Mapping[str, str]) -> str:
        return re.sub(r"\$\{\{ matrix\.([\w-]+) \}\}", lambda match: matrix[match[1]], text)

    job = CI["jobs"][name]
    return [
        [
            run
            for step in job["steps"]
            for run in runs_of(
                filled(step.get("run", ""), matrix),
                {n: filled(str(v), matrix) for n, v in step.get("env", {}).items()},
            )
        ]
        for matrix in variants(job)
    ]


def targets_of(script: str) -> set[str]:
    """Return what a shell *script* has made, but for what everything else needs."""
    lines = (shlex.split(line, comments=True) for line in script.splitlines())
    made = {
        word
        for words in lines
        if "make" in words
        for word in words[words.index("make") + 1 :]
        if re.fullmatch(r"[a-z./][\w./-]*", word)
    }
    return made - {".venv/.installed-dev"}


@pytest.mark.parametrize("name", [name for name in CI["jobs"] if name != "exhaustive"])
def test_jobs_without_explorations(name: str) -> None:
    """The model's longest searches take as long as all the rest: one job has them."""
    for runs in runs_of_job(name):
        assert [run for run in runs if run.runs_explorations] == []


def test_explorations() -> None:
    """One job runs all that the tests on each Python leave out, and nothing else."""
    ((run,),) = runs_of_job("exhaustive")

    assert run.expression == "(exploration or exhaustive) and (not container)"
    assert run.paths == []


def test_explore() -> None:
    """All of the model's longest searches can be run alone."""
    (run,) = runs_of(made(["explore"]), {})

    assert (run.expression, run.paths) == ("exploration", ["tests/model"])


@pytest.mark.parametrize("name", ["stores", "container", "elsewhere"])
def test_exhaustive_elsewhere(name: str) -> None:
    """What only these jobs run, they run with all parameters."""
    for (run,) in runs_of_job(name):
        assert run.runs_exhaustive


def test_real_stores() -> None:
    """One job installs every real S3 server, and fails where one is missing, not only skips it."""
    scripts = [step.get("run", "") for step in CI["jobs"]["stores"]["steps"]]
    ((run,),) = runs_of_job("stores")

    assert run.paths == ["tests/contract"]
    assert targets_of("\n".join(scripts[:-1])) == {".venv/.installed-stores"}
    assert "keep-going" not in "".join(scripts)


def test_script_and_workflow() -> None:
    """What the script has made, a job of the workflow has made too."""
    jobs = [step.get("run", "") for job in CI["jobs"].values() for step in job["steps"]]

    wanted = targets_of(SCRIPT)

    assert {"test", "check", "docs", ".venv/.installed-stores"} <= wanted
    assert wanted <= targets_of("\n".join(jobs))


@pytest.mark.parametrize("name", ["test", "stores", "exhaustive", "container", "elsewhere"])
def test_jobs_that_test(name: str) -> None:
    """Each job that is there to test runs pytest once, in every variant."""
    assert [len(runs) for runs in runs_of_job(name)] == [1] * len(variants(CI["jobs"][name]))


def test_gate() -> None:
    """On each Python all tests run that need no container, and the coverage gate holds."""
    for (run,) in runs_of_job("test"):
        assert run.has_gate
        assert run.paths == []
        assert run.expression == "not exploration and not exhaustive and (not container)"
        assert not [o for o in run.options if o.startswith(("-k", "--ignore", "--deselect"))]


def test_gate_of_the_script() -> None:
    """The script runs every test that the gate is for."""
    (run,) = runs_of((PROJECT / ".ci" / "run").read_text(encoding="utf-8"), {})

    assert run.has_gate
    assert run.paths == []
    assert run.expression == "not exploration and not exhaustive"


@pytest.mark.parametrize(
    "given", [["TESTS=tests/contract"], ["TESTS=tests/unit tests/model", "COVERAGE=1"]]
)
def test_some_tests(given: list[str]) -> None:
    """Where somebody runs a part of the tests, no gate holds, and the rest stays out as before."""
    (run,) = runs_of(made(["test", *given]), {})

    assert run.paths == given[0].partition("=")[2].split()
    assert not run.has_gate
    assert not run.runs_explorations
    assert not run.runs_exhaustive


def test_all_parameters() -> None:
    """All parameters of sweeps can be run with the rest."""
    (run,) = runs_of(made(["test", "EXHAUSTIVE=1"]), {})

    assert run.expression == "not exploration"
    assert run.paths == []


def test_coverage_is_asked_for() -> None:
    """It takes time, so that somebody who only wants to know what works does without it."""
    (plain,), (gated,) = (runs_of(made(words), {}) for words in (["test"], ["test", "COVERAGE=1"]))

    assert not [option for option in plain.options if "cov" in option]
    assert gated.has_gate
    assert (plain.expression, plain.paths) == (gated.expression, gated.paths)


def test_quick() -> None:
    """The quick tests are all of these folders that need no AWS, without measuring coverage."""
    (run,) = runs_of(made(["quick"]), {})

    assert run.expression == "not exploration and not exhaustive and not aws"
    assert [path.removeprefix("tests/") for path in run.paths] == [
        "unit",
        "consistency/golden",
        "contract",
        "functional",
    ]
    assert "--cov" not in run.options
