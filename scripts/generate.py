"""Write what is derived from the tables of options and of permissions, or check that it is up to
date.

python scripts/generate.py [--check]

From `startifact.options` come action.yml, its composite twin, what the reusable workflows have of
the action's inputs and outputs; from `startifact.permissions` the policies of examples/iam. The
pages of docs/ that are derived, pages.py makes. In files that are also written by hand, each part
stands between two comments that name it.
"""

import json
import re
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from startifact.action.outputs import OUTPUTS
from startifact.definitions import ValueKind, WayIn
from startifact.options import commands_of
from startifact.organisation.policy import policy
from startifact.organisation.trust import trust_policy

# It is run by its path, which puts only this folder among those that are imported from.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.pages import INPUTS, PAGES, help_of_input, replaced

PROJECT = Path(__file__).resolve().parent.parent
WIDTH = 119

INSTALL = """\
runs:
  using: composite
  steps:
    - name: Install
      id: install
      shell: bash
      run: |
        for python in python3 python; do
          if "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            exec "$python" -I -u -X utf8 "$GITHUB_ACTION_PATH/install.py"
          fi
        done
        echo "::error title=Startifact::there is no Python 3.11 or later on this runner%0AHint:\
 use actions/setup-python before this step"
        exit 2

    # Values reach the program only through its environment; no shell ever reads one.
    - name: Run
      id: run
      shell: bash
      env:
        STARTIFACT_PYTHON: ${{ steps.install.outputs.python }}
        # Git's bash on Windows makes C:/Program Files/Git/startifact of the value /startifact, and
        # as much of a secret that begins like a path.
        MSYS2_ENV_CONV_EXCL: INPUT_;STARTIFACT_;AWS_;ACTIONS_;GITHUB_;RUNNER_;REQUESTS_;SOURCE_DATE_
"""
RUN = """\
      run: exec "$STARTIFACT_PYTHON" -I -u -X utf8 -m startifact.action
"""


class Reusable(NamedTuple):
    """What a reusable workflow, which runs one command, has otherwise than the action."""

    own: frozenset[str]
    """Inputs of the action that it gives by itself, has in a form of its own, or cannot have: it
    runs in an empty workspace."""

    defaults: Mapping[str, str]


REUSABLE = {
    "stage": Reusable(frozenset({"command", "path"}), {"save-filename": "true"}),
    "download": Reusable(
        frozenset({"command", "path", "load-filename", "overwrite", "lock-file"}),
        {"version": "latest"},
    ),
    "promote": Reusable(frozenset({"command"}), {}),
}


def action(text: str) -> str:
    """Return action.yml with its inputs and outputs made anew."""
    return replaced(text, {"inputs": declared_inputs(), "outputs": declared_outputs()})


def composite(_: str) -> str:
    """Return the form of the action that needs no container."""
    head = (PROJECT / "action.yml").read_text(encoding="utf-8").split("\n", 1)[1]
    head = head.split("\ninputs:", 1)[0]
    variables = [f"        INPUT_{o.name.upper()}: {expression('inputs', o.name)}" for o in INPUTS]
    parts = [
        "# Written by scripts/generate.py: for macOS, Windows and runners without Docker.",
        f"name: Startifact without Docker\n{head}\ninputs:",
        *declared_inputs(),
        "\noutputs:",
        *declared_outputs(values="steps.run.outputs"),
        f"\n{INSTALL}" + "\n".join(variables),
        RUN,
    ]
    return "\n".join(parts)


def as_key(name: str) -> str:
    """Return *name* as a key that every reader of YAML takes for a text: some take yes for true."""
    return json.dumps(name) if name in {"yes", "no", "on", "off", "true", "false"} else name


def declared_inputs() -> list[str]:
    """Return the lines that declare the action's inputs."""
    lines = []
    for option in INPUTS:
        lines += [f"  {as_key(option.name)}:", *described(help_of_input(option), 4)]
        if set(option.required_by) == set(commands_of(WayIn.ACTION)):
            lines.append("    required: true")
        lines.append(f"    default: {json.dumps(option.default)}")
    return lines


def declared_outputs(values: str = "") -> list[str]:
    """Return the lines that declare the action's outputs, each with its value among *values*."""
    lines = []
    for output in OUTPUTS.values():
        lines += [f"  {output.name}:", *described(output.help, 4)]
        if values:
            lines.append(f"    value: {expression(values, output.name)}")
    return lines


def reusable(command: str) -> Callable[[str], str]:
    """Return what makes the workflow that runs *command* anew."""
    own, defaults = REUSABLE[command]
    inputs = [o for o in INPUTS if o.used_by(command) and o.name not in own]
    outputs = [o for o in OUTPUTS.values() if o.given_by(command) and o.name != "path"]
    declared, results = [], []
    for option in inputs:
        is_flag = option.kind is ValueKind.FLAG
        declared += [
            f"      {option.name}:",
            *described(option.help_in_reusable or option.help_of(command), 8),
        ]
        declared.append(f"        type: {'boolean' if is_flag else 'string'}")
        if command in option.required_by and option.name not in defaults:
            declared.append("        required: true")
        else:
            default = defaults.get(option.name, option.default)
            declared.append(f"        default: {default if is_flag else json.dumps(default)}")
    for output in outputs:
        results += [f"      {output.name}:", *described(output.help, 8)]
        results.append(f"        value: {expression(f'jobs.{command}.outputs', output.name)}")
    parts = {
        "inputs": declared,
        "outputs": results,
        "results": [
            f"      {o.name}: {expression(f'steps.{command}.outputs', o.name)}" for o in outputs
        ],
        "with": [f"          {o.name}: {expression('inputs', o.name)}" for o in inputs],
    }
    return lambda text: replaced(text, parts)


def expression(context: str, name: str) -> str:
    """Return the expression for *name* in a *context* of GitHub's."""
    return f"${{{{ {context}.{name} }}}}"


def described(text: str, indent: int) -> list[str]:
    """Return the lines of YAML that describe something: plain where that is possible, or folded."""
    blanks = " " * indent
    if len(f"{blanks}description: {text}") <= WIDTH and not re.search(r": | #|^\W", text):
        return [f"{blanks}description: {text}"]
    lines = textwrap.wrap(text, WIDTH - indent - 2, break_on_hyphens=False)
    return [f"{blanks}description: >-", *(f"{blanks}  {line}" for line in lines)]


ACCOUNT: Mapping[str, Any] = {
    "buckets": "my-artifacts-*",
    "account": "123456789012",
    "bucket_name_param": "/artifacts/bucket",
    "bucket_key_prefix": "team/",
    "parameter_name_prefix": "/team",
}
READING = ("download", "info", "versions", "channels", "lock", "copy-from", "verify")
MOVING = ("promote", "rollback", "channels-remove")
REPAIRING = ("stage", "verify", "repair", "repair-keep")
SUGAR_WATER = ("SugarWater",)

POLICIES: Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]] = {
    "read": (READING, {"projects": SUGAR_WATER}),
    "stage": (("stage",), {"projects": SUGAR_WATER}),
    "stage-platforms": (("stage",), {"projects": ("SugarWater-*",)}),
    "stage-monorepo": (("stage",), {"projects": ("*",)}),
    "promote-staging": (
        MOVING,
        {"projects": SUGAR_WATER, "channels": ("staging",), "denied_channels": ("prod",)},
    ),
    "promote-prod": (MOVING, {"projects": SUGAR_WATER, "channels": ("prod",)}),
    "yank": (("yank", "unyank"), {"projects": SUGAR_WATER}),
    "prune": (("prune",), {"projects": SUGAR_WATER}),
    "repair-keep": (REPAIRING, {"projects": SUGAR_WATER}),
    "setup": (("setup",), {}),
}
"""The policies of examples/iam: what each allows, and where."""

TRUST_POLICIES = {
    "trust": "ORGANISATION@ORGANISATION_ID/REPOSITORY@REPOSITORY_ID",
    "trust-older-repository": "ORGANISATION/REPOSITORY",
}


def example_policy(name: str) -> Callable[[str], str]:
    """Return what makes the example policy *name* anew."""

    def make(_: str) -> str:
        if name in TRUST_POLICIES:
            repository, account = TRUST_POLICIES[name], str(ACCOUNT["account"])
            iam_policy = trust_policy(repository, tags=("v*",), account=account)
        else:
            operations, where = POLICIES[name]
            iam_policy = policy(*operations, **ACCOUNT, **where)
        return json.dumps(iam_policy, indent=2) + "\n"

    return make


# In this order: the composite form takes the head of action.yml.
FILES: Mapping[str, Callable[[str], str]] = {
    "action.yml": action,
    "composite/action.yml": composite,
    ".github/workflows/stage.yml": reusable("stage"),
    ".github/workflows/download.yml": reusable("download"),
    ".github/workflows/promote.yml": reusable("promote"),
    **PAGES,
    **{f"examples/iam/{name}.json": example_policy(name) for name in (*POLICIES, *TRUST_POLICIES)},
}


def main() -> None:
    """Write the files, or with ``--check`` fail where one differs."""
    stale = []
    for name, make in FILES.items():
        path = PROJECT / name
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        if (wanted := make(current)) != current:
            stale.append(name)
            if "--check" not in sys.argv[1:]:
                path.write_text(wanted, encoding="utf-8")
    if stale and "--check" in sys.argv[1:]:
        sys.exit(f"not up to date: {', '.join(stale)}: run make generate")


if __name__ == "__main__":
    main()
