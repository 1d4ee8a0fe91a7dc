"""Write what makes bash, fish and zsh complete command lines, or check that it is up to date.

python -m scripts.completions [--check]

shtab makes the scripts from the parser of the command line. What it does not do in bash and zsh is
added here: see `BASH` and `zsh`.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import shtab

from startifact.cli.arguments import parser_of_all
from startifact.definitions import ValueKind
from startifact.model.quorum import ALL, MAJORITY
from startifact.options import OPTIONS, SHELLS

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / "src" / "startifact" / "cli" / "completions"

WORDS = {"required-regions": (MAJORITY, ALL)}
"""What may be written for options that take other text as well."""

HEAD = """\
# Written by scripts/completions.py with shtab (https://github.com/tqdm/shtab).
"""

BASH = """\
# bash takes @, : and = for ends of words: this joins what belongs together, and parts an option
# from its value. What is offered then begins where bash thinks that the word begins.
_startifact() {
  local line="${COMP_LINE:0:COMP_POINT}" word trimmed last prefix breaks
  local -a joined=() words=()
  for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    trimmed="${line#"${line%%[![:space:]]*}"}"
    if [[ "$trimmed" == "$line" && ${#joined[@]} -gt 0 ]]; then
      joined[${#joined[@]}-1]+="$word"
    else
      joined+=("$word")
    fi
    line="${trimmed#"$word"}"
  done
  for word in "${joined[@]}"; do
    if [[ "$word" == --*=* ]]; then
      words+=("${word%%=*}" "${word#*=}")
    else
      words+=("$word")
    fi
  done
  last="${words[${#words[@]}-1]}"
  local -a COMP_WORDS=("${words[@]}")
  local COMP_CWORD=$((${#words[@]} - 1))
  _shtab_startifact
  # Somebody may have taken them out of what ends a word.
  breaks="${COMP_WORDBREAKS//[^=:@]/}"
  if [[ -n "$breaks" ]]; then
    prefix="${last%"${last##*[$breaks]}"}"
    COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
  fi
  if [[ "$breaks" != *=* && "$word" == --*=* ]]; then
    COMPREPLY=("${COMPREPLY[@]/#/${word%%=*}=}")
  fi
}

complete -F _startifact startifact
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of all command lines, with what stands for the value of each option."""
    whole = parser_of_all(whole=True)
    by_name = {option.identifier: option for option in OPTIONS.values()}
    for one in [whole, *commands(whole).values()]:
        for action in one._actions:
            option = by_name.get(action.dest)
            if option is not None and option.kind is ValueKind.PATH:
                # Where shtab looks for it; argparse knows no such attribute.
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            if option is not None and option.name in WORDS:
                action.choices = WORDS[option.name]
            if action.help and action.help != argparse.SUPPRESS:
                # One line of a menu: what comes before the first reason or example.
                action.help = re.split(r"[.:;] |\.$|, such as ", action.help)[0]
            if isinstance(action.metavar, str):  # where zsh takes a colon for the end of it
                action.metavar = action.metavar.replace(":", " ")
    return whole


def commands(whole: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """Return the parser of each command."""
    (found,) = (a for a in whole._actions if isinstance(a, argparse._SubParsersAction))
    return found.choices


def bash(script: str) -> str:
    """Return *script* with words joined as a command reads them."""
    made, registered = script.rstrip().rsplit("\n", 1)
    assert registered == "complete -o bashdefault -F _shtab_startifact startifact"
    return f"{made}\n\n{BASH}"


def zsh(script: str) -> str:
    """Return *script* with ``--option=value`` completed, and options in the place of arguments."""
    for pattern, replacement in (
        (r'^(  "--[\w-]+)(\[.*\]:)', r"\1=\2"),
        (r'^(  "\*"\{-\w),(--[\w-]+)(\}"\[.*\]:)', r"\1+,\2=\3"),
        # Where zsh has only a message for an argument, it offers no options in its place.
        (r'^(  "(?:\(\*\):)?:.*:)"$', r'\1()"'),
    ):
        script, count = re.subn(pattern, replacement, script, flags=re.MULTILINE)
        assert count, pattern
    return script


FINISHED: Mapping[str, Callable[[str], str]] = {"bash": bash, "fish": str, "zsh": zsh}


def completion(shell: str) -> str:
    """Return the script for *shell*."""
    script = FINISHED[shell](shtab.complete(parser(), shell=shell))
    # What shtab says of itself and of places for the file is not so here.
    script = re.sub(r"^# AUTOMATICALLY GENERATED(?:.*\n#)*.*\n", HEAD, script, flags=re.MULTILINE)
    lines = [line.rstrip() for line in script.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def main(arguments: list[str]) -> int:
    """Write the files, or with ``--check`` name those that are not up to date."""
    outdated = []
    for shell in SHELLS:
        path, text = FOLDER / f"startifact.{shell}", completion(shell)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        outdated.append(path.relative_to(PROJECT).as_posix())
        if "--check" not in arguments:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {outdated[-1]}")
    if "--check" in arguments and outdated:
        print(f"not up to date, run make generate: {', '.join(outdated)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
