"""Write src/startifact/__init__.py's lists of public names, or check that they are up to date.

python -m scripts.public_names [--check]

Public is what a program makes or calls, and every type that a public member of that takes or
returns, and so on. Errors are in `startifact.errors` instead.
"""

import importlib
import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import boto3

import startifact

FILE = Path(__file__).resolve().parent.parent / "src" / "startifact" / "__init__.py"

# What no annotation leads to: where programs begin, and names that are no classes.
FIRST = {
    "Session": "startifact.session",
    "ConfigurationLoader": "startifact.regions.aws.configuration_loader",
    "WebIdentity": "startifact.regions.aws.web_identity",
    "Key": "startifact.model.keys",
    "Range": "startifact.model.ranges",
    "ProgressCallback": "startifact.concurrency.progress",
    "deadline": "startifact.concurrency.deadline",
    "policy": "startifact.organisation.policy",
    "trust_policy": "startifact.organisation.trust",
    "__version__": "startifact.version",
}
CONSTRUCTED = {"Session", "ConfigurationLoader", "WebIdentity"}
"""Of these a program makes its own; others, but for values, it gets from them."""


def homes() -> dict[str, str]:
    """Return each public name, and the module that it is imported from."""
    classes = dict(_classes())
    found = dict(FIRST)
    pending = [classes[name] for name in FIRST if name in classes]
    while pending:
        cls = pending.pop()
        for other in _shown_by(cls, classes):
            if other.__name__ not in found and not issubclass(other, BaseException):
                found[other.__name__] = other.__module__
                pending.append(other)
    return found


def _classes() -> Iterator[tuple[str, type]]:
    for module in pkgutil.walk_packages(startifact.__path__, "startifact."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(value) and value.__module__ == module.name:
                yield name, value


def _shown_by(cls: type, classes: dict[str, type]) -> Iterator[type]:
    """Yield the classes of Startifact's own in the annotations of the public members of *cls*."""
    names: dict[str, object] = {**classes, "Boto3Session": boto3.Session}
    things: list[object] = [cls]
    for name, value in inspect.getmembers_static(cls):
        function = getattr(value, "fget", None) or getattr(value, "__func__", None) or value
        if not inspect.isfunction(function) or not function.__module__.startswith("startifact"):
            continue
        constructor = name == "__init__" and cls.__name__ in CONSTRUCTED
        if constructor or not name.startswith("_") or name in {"__enter__", "__call__"}:
            things.append(function)
    for thing in things:
        for name, hint in typing.get_type_hints(thing, localns=names).items():
            if thing is not cls or not name.startswith("_"):
                yield from _ours_in(hint)


def _ours_in(annotation: object) -> Iterator[type]:
    if inspect.isclass(annotation) and annotation.__module__.startswith("startifact"):
        yield annotation
    for part in typing.get_args(annotation):
        for one in part if isinstance(part, list) else [part]:
            yield from _ours_in(one)


WIDTH = 100
"""How long a line may be."""


def written(text: str) -> str:
    """Return *text*, the module's, with its three lists made anew."""
    found = homes()
    modules: dict[str, list[str]] = {}
    for name, module in found.items():
        modules.setdefault(module, []).append(name)
    imports = ["    from startifact import errors"]
    for module, names in sorted(modules.items()):
        imports += _import_lines(module, sorted(names, key=_as_ruff_sorts))
    exported = [f'    "{name}",' for name in sorted([*found, "errors"])]
    where = [
        f'    "{name}": "{found[name].removeprefix("startifact.")}",' for name in sorted(found)
    ]
    for start, lines, end in (
        ("if TYPE_CHECKING:\n", imports, "\n\n__all__"),
        ("__all__ = [\n", exported, "\n]\n"),
        ("_HOMES = {\n", where, "\n}\n"),
    ):
        found_part = re.search(re.escape(start) + r".*?" + re.escape(end), text, re.DOTALL)
        if found_part is None:
            sys.exit(f"there is no list that begins with {start!r}")
        made = start + "\n".join(lines) + end
        text = text[: found_part.start()] + made + text[found_part.end() :]
    return text


def _import_lines(module: str, names: list[str]) -> list[str]:
    line = f"    from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return [line]
    return [f"    from {module} import (", *(f"        {name}," for name in names), "    )"]


def _as_ruff_sorts(name: str) -> tuple[bool, str]:
    return (not name.isupper(), name.lower())


def main() -> None:
    """Write the file, or with ``--check`` fail where it differs."""
    current = FILE.read_text(encoding="utf-8")
    if (wanted := written(current)) == current:
        return
    if "--check" in sys.argv[1:]:
        sys.exit(f"not up to date: {FILE.name} of the package: run make generate")
    FILE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
