"""Write composite/action.yml from action.yml, or check that they say the same.

python scripts/composite_twin.py [--check]
"""

import re
import sys
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parent.parent
ACTION = PROJECT / "action.yml"
TWIN = PROJECT / "composite" / "action.yml"

HEAD = """\
# Written by scripts/composite_twin.py: for macOS, Windows and runners without Docker.
name: Startifact without Docker
"""

STEPS = """\
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

    # Values reach the program through its environment alone; no shell ever reads one.
    - name: Run
      id: run
      shell: bash
      env:
        STARTIFACT_PYTHON: ${{ steps.install.outputs.python }}
        # Git's bash on Windows makes C:/Program Files/Git/startifact of the value /startifact, and
        # as much of a secret that begins like a path.
        MSYS2_ENV_CONV_EXCL: INPUT_;STARTIFACT_;AWS_;ACTIONS_;GITHUB_;RUNNER_
{inputs}
      run: exec "$STARTIFACT_PYTHON" -I -u -X utf8 -m startifact.action
"""


def twin() -> str:
    """Return the text of composite/action.yml."""
    text = ACTION.read_text(encoding="utf-8")
    head, rest = text.split("\ninputs:\n", 1)
    inputs, rest = rest.split("\noutputs:\n", 1)
    outputs, _ = rest.split("\nruns:\n", 1)
    names = yaml.safe_load(text)["inputs"]
    mapped = "\n".join(f"        INPUT_{n.upper()}: ${{{{ inputs.{n} }}}}" for n in names)
    return "\n".join(
        [
            HEAD + head.split("\n", 1)[1],
            f"inputs:\n{inputs}",
            f"outputs:\n{with_values(outputs)}",
            STEPS.replace("{inputs}", mapped),
        ]
    )


def with_values(outputs: str) -> str:
    """Return *outputs* with the value that each one has here."""
    blocks = re.split(r"(?m)^(?=  [a-z])", outputs)
    return "".join(
        f"{block.rstrip()}\n    value: ${{{{ steps.run.outputs.{block.split(':')[0].strip()} }}}}\n"
        for block in blocks
        if block.strip()
    )


def main() -> None:
    """Write the file, or with ``--check`` fail where it differs."""
    wanted = twin()
    if "--check" in sys.argv[1:]:
        same = TWIN.exists() and TWIN.read_text(encoding="utf-8") == wanted
        sys.exit(not same and "composite/action.yml differs: run python scripts/composite_twin.py")
    TWIN.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
