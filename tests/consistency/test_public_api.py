"""Exported is everything that a public member takes, returns or raises."""

import builtins
import enum
import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Callable, Iterator

import boto3
import pytest

import startifact
from startifact import errors

CLASSES = [
    value for name in startifact.__all__ if inspect.isclass(value := getattr(startifact, name))
]

CONSTRUCTED = {startifact.Session, startifact.ConfigurationLoader, startifact.WebIdentity}
"""Of these a program makes its own; others, but for values, it gets from them."""


def is_ours(module: str | None) -> bool:
    return (module or "").split(".")[0] == "startifact"


def public_members(cls: type) -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield the functions that a program may call on *cls*, with their names."""
    for name, value in inspect.getmembers_static(cls):
        function = getattr(value, "fget", None) or getattr(value, "__func__", None) or value
        constructor = name == "__init__" and cls in CONSTRUCTED
        if not inspect.isfunction(function) or not is_ours(function.__module__):
            continue
        if constructor or not name.startswith("_") or name in {"__enter__", "__call__"}:
            yield name, function


def hints_of(thing: object) -> dict[str, object]:
    """Return the annotations of *thing*, resolved; what only type checkers import included."""
    names = {name: getattr(startifact, name) for name in startifact.__all__}
    names["Boto3Session"] = boto3.Session
    return typing.get_type_hints(thing, localns=names)


def classes_in(annotation: object) -> Iterator[type]:
    """Yield every class that *annotation* is made of."""
    if inspect.isclass(annotation):
        yield annotation
    for part in typing.get_args(annotation):
        for one in part if isinstance(part, list) else [part]:
            yield from classes_in(one)


def raised_in(docstring: str | None) -> set[str]:
    """Return the names in the ``Raises:`` section of *docstring*."""
    section = re.search(
        r"^Raises:\n((?:\s+.*\n?|\n)*)", inspect.cleandoc(docstring or ""), re.MULTILINE
    )
    lines = re.findall(r"^ {4}(\w[\w, ]*):", section[1], re.MULTILINE) if section else []
    return {name for line in lines for name in line.split(", ")}


@pytest.mark.parametrize("cls", CLASSES)
def test_types_of_public_members(cls: type) -> None:
    """Whatever a public member takes or returns can be imported from the package."""
    annotated = {f"{cls.__name__}.{name}": function for name, function in public_members(cls)}
    hints = {name: list(hints_of(function).values()) for name, function in annotated.items()}
    if not issubclass(cls, enum.Enum):
        hints[cls.__name__] = [
            hint for name, hint in hints_of(cls).items() if not name.startswith("_")
        ]
    for where, of in hints.items():
        for hint in of:
            for found in classes_in(hint):
                if is_ours(found.__module__):
                    exported = getattr(startifact, found.__name__, None)
                    exported = exported or getattr(errors, found.__name__, None)
                    assert found is exported, f"{where} shows {found.__name__}"


@pytest.mark.parametrize("cls", CLASSES)
def test_errors_of_public_members(cls: type) -> None:
    """Whatever a docstring says that it raises is in `startifact.errors`."""
    documented = {cls.__name__: cls.__doc__}
    documented |= {f"{cls.__name__}.{n}": f.__doc__ for n, f in public_members(cls)}
    for where, docstring in documented.items():
        for name in raised_in(docstring):
            if not hasattr(builtins, name):
                assert issubclass(getattr(errors, name, int), BaseException), f"{where}: {name}"


def test_errors_live_in_one_module() -> None:
    """Every error of Startifact's own that a program may meet is in `startifact.errors`."""
    for module in pkgutil.walk_packages(startifact.__path__, "startifact."):
        if "__main__" not in module.name:
            importlib.import_module(module.name)

    names = {cls.__name__ for cls in _below(errors.StartifactError) if is_ours(cls.__module__)}
    private = {name for name in names if name.startswith("_")}

    assert {n for n in names - private if not hasattr(errors, n)} == set()


DOCUMENTED = [
    (cls, name, function)
    for cls in (startifact.Session, startifact.ConfigurationLoader, startifact.Downloader)
    for name, function in public_members(cls)
    if len(set(inspect.signature(function).parameters) - {"self"}) > 1
    and not name.startswith("__exit")
]


@pytest.mark.parametrize(
    ("cls", "name", "function"), DOCUMENTED, ids=[f"{c.__name__}.{n}" for c, n, _ in DOCUMENTED]
)
def test_arguments_are_documented(cls: type, name: str, function: Callable[..., object]) -> None:
    """Of more than one argument each is reported, under its name, and so is what comes back."""
    docstring = inspect.getdoc(cls if name == "__init__" else function) or ""
    section = re.search(r"^Args:\n((?: +.*\n|\n)*)", docstring, re.MULTILINE)
    documented = re.findall(r"^ {4}(\w+): ", section[1], re.MULTILINE) if section else []

    assert documented == [p for p in inspect.signature(function).parameters if p != "self"]
    if name != "__init__":
        assert "\nReturns:\n" in docstring


def _below(cls: type[BaseException]) -> Iterator[type[BaseException]]:
    for one in cls.__subclasses__():
        yield one
        yield from _below(one)


def test_the_walk_finds_something() -> None:
    """What the tests above go by is there: annotations, docstrings and their sections."""
    assert {name for name, _ in public_members(startifact.Session)} >= {"__init__", "get", "stage"}
    assert raised_in(startifact.Session.get.__doc__) >= {"InputError", "NotFoundError"}
    assert raised_in(startifact.Session.__doc__) >= {"InputError"}
    assert set(classes_in(dict[str, list[int] | None])) >= {str, int}
    assert startifact.Artifact in hints_of(startifact.Session.get).values()


def test_names_are_where_they_say() -> None:
    """A name is imported when it is asked for, and a copy of the list says nothing else."""
    homes = startifact._HOMES

    assert sorted([*homes, "errors"]) == sorted(startifact.__all__) == startifact.__all__
    for name, home in homes.items():
        value = getattr(startifact, name)
        if inspect.isclass(value):
            assert value.__module__ == f"startifact.{home}"
