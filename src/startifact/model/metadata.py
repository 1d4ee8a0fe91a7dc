"""Metadata as people write it: lines of KEY=VALUE, or a YAML mapping."""

import itertools
import logging
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from startifact.errors import InputError
from startifact.limits import MAX_METADATA_TEXT_BYTES
from startifact.problems import Problems
from startifact.text import escape_nonprintable, quoted, quoted_list

if TYPE_CHECKING:
    import yaml

logger = logging.getLogger(__name__)

_PAIR = re.compile(r"[^\s=]+=.*", re.DOTALL)
_FORMS = (
    "Write one KEY=VALUE on each line, the key without spaces; or a YAML mapping, one KEY: VALUE "
    "on each line"
)


def parse_metadata_lines(lines: Iterable[str], *, source: str) -> dict[str, str]:
    """Return what *lines* of KEY=VALUE say; *source* names them in messages.

    A key has no white space and no ``=`` in it; a value is everything after the first ``=``.

    Raises:
        InputError: A line is something else, or a key is there twice. The message has all problems.
    """
    problems = Problems(source)
    metadata: dict[str, str] = {}
    for line in lines:
        if not _PAIR.fullmatch(line):
            problems.say(
                f"got {quoted(line)}, expected KEY=VALUE",
                hint="Write KEY=VALUE, the key without spaces, for example lang=dotnet",
            )
            continue
        key, _, value = line.partition("=")
        if key in metadata:
            problems.say(f"key {quoted(key)} is there twice", hint="Give each key once")
        metadata[key] = value
    problems.raise_if_any()
    return metadata


def parse_metadata(text: str, *, source: str = "metadata") -> dict[str, str]:
    """Return the metadata in *text*, every value exactly as it is written.

    *source* names it in messages.

    If every line that is not empty is KEY=VALUE, the metadata is those lines, stripped of white
    space; otherwise *text* is a YAML mapping. In both, a line that begins with a ``#`` is a
    comment; only YAML has comments after a value, too. A text that begins with a brace is
    always YAML, because ``{"hash":"9876="}`` would pass for a line. The empty text is empty
    metadata.

    Raises:
        InputError: It is neither, or a key is there twice. The message has all problems.
    """
    if len(text.encode(errors="replace")) > MAX_METADATA_TEXT_BYTES:
        raise InputError(
            f"{source} is not valid: it is larger than {MAX_METADATA_TEXT_BYTES:,} bytes",
            hint="Keep large data in a file of its own and stage that",
        )
    lines = [
        line for part in text.split("\n") if (line := part.strip()) and not line.startswith("#")
    ]
    if not "".join(lines[:1]).startswith("{") and all(_PAIR.fullmatch(line) for line in lines):
        return parse_metadata_lines(lines, source=source)
    return _mapping(_composed(text, lines, source), source)


def looks_like_secret(key: str) -> bool:
    """Say whether *key* is what people call a secret."""
    # apiKey, API_KEY and api-key are the same words.
    words = [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", key)]
    joined = {a + b for a, b in itertools.pairwise(words)}
    # Some write several words as one: mypassword, githubtoken.
    return any(w in _SECRET_WORDS or w.endswith(_SECRET_ENDS) for w in {*words, *joined})


_SECRET_WORDS = frozenset(
    {"secret", "secrets", "token", "tokens", "password", "passwords", "passwd", "pwd", "passphrase"}
    | {"credential", "credentials", "apikey", "apikeys", "accesskey", "privatekey", "signingkey"}
    | {"sshkey", "authkey", "encryptionkey", "dbpass", "userpass", "jwt"}
)
_SECRET_ENDS = ("secret", "secrets", "token", "tokens", "password", "passwords", "passwd")


def warn_of_secrets(metadata: Mapping[str, str]) -> None:
    """Warn of keys that look like those of secrets; values are not shown."""
    if keys := [key for key in metadata if looks_like_secret(key)]:
        logger.warning(
            "the metadata %s looks like a secret: whoever can read the artifact can read it, and "
            "what is staged never changes. If it is one, replace it where it is valid",
            quoted_list(keys),
        )


def _composed(text: str, lines: list[str], source: str) -> "yaml.MappingNode | None":
    """Return the YAML mapping in *text*, not yet checked; ``None`` when *text* holds no value."""
    import yaml  # only here: it takes long to import, and most commands have no metadata in YAML

    problems = Problems(source)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        reason = ", ".join(part for part in (e.context, e.problem) if part)
        problems.say(f"{where}{escape_nonprintable(reason)}")
    except (yaml.YAMLError, ValueError, OverflowError):
        problems.say("it has a character in it that YAML does not allow")
    except RecursionError:
        problems.say("it is nested too deep")
    else:
        if node is None or isinstance(node, yaml.MappingNode):
            return node
        if isinstance(node, yaml.SequenceNode):
            problems.say("it is a YAML list, expected a mapping")
    _explain(problems, lines)
    problems.raise_if_any()
    raise AssertionError  # raise_if_any has raised


def _explain(problems: Problems, lines: list[str]) -> None:
    """Record which *lines* are not KEY=VALUE, where some are, and which two forms are accepted."""
    others = [line for line in lines if not _PAIR.fullmatch(line)]
    if len(others) < len(lines):
        for line in others[:10]:
            problems.say(f"got {quoted(line, 60)}, expected KEY=VALUE")
    got = f"got {quoted(lines[0], 60)}: " if len(lines) == 1 else ""
    problems.say(f"{got}it is neither lines of KEY=VALUE nor a YAML mapping", hint=_FORMS)


def _mapping(node: "yaml.MappingNode | None", source: str) -> dict[str, str]:
    import yaml

    problems = Problems(source)
    metadata: dict[str, str] = {}
    for key, value in [] if node is None else node.value:
        where = f"line {key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            problems.say(f"{where}: a key is {_kind(key)}, expected text")
            continue
        name = _joined(key.value)
        if name in metadata:
            problems.say(f"{where}: key {quoted(name)} is there twice", hint="Give each key once")
        metadata[name] = ""
        if isinstance(value, yaml.ScalarNode):
            metadata[name] = _joined(value.value)
        else:
            problems.say(
                f"{where}: the value of {quoted(name)} is {_kind(value)}, expected text",
                hint="Quote the value, or write it as JSON in quotes",
            )
    problems.raise_if_any()
    return metadata


def _kind(node: "yaml.Node") -> str:
    import yaml

    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _joined(text: str) -> str:
    """Return *text* with surrogate pairs joined: JSON escapes some characters as two."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
