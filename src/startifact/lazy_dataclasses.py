"""Data classes that are completed when the first object of them is made.

`dataclasses.dataclass` writes and compiles the methods of a class when the class is defined, which
takes a third of a millisecond or more. There are more than a hundred of them, of which a command
uses a few. Whoever asks for the fields or the signature of a class completes it as well.
"""

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # For type checkers these are what they will be.
    from dataclasses import dataclass as dataclass
else:

    def dataclass(
        *,
        frozen: bool = False,
        kw_only: bool = False,
        repr: bool = True,  # noqa: A002  # as in the standard library
        slots: bool = True,
    ):
        """Return a decorator that does what that of the standard library does, but later.

        There are no *slots*, for which another class would take the place of this one. Where very
        many objects are kept, the decorator of the standard library is the right one.
        """
        del slots
        complete = dataclasses.dataclass(frozen=frozen, kw_only=kw_only, repr=repr)

        def decorate(cls: type) -> type:
            cls.__dataclass_fields__ = _Fields(cls, complete)
            cls.__signature__ = _SIGNATURE
            cls.__new__ = _new
            return cls

        return decorate


_LOCK = threading.RLock()
_COMPLETE: set[type] = set()


class _Fields:
    """Stands for the fields of *cls* until *complete* puts them there."""

    def __init__(self, cls: type, complete: Any) -> None:
        self._cls = cls
        self._complete = complete

    def __get__(self, _: object, owner: type) -> Any:
        with _LOCK:
            if self._cls.__dict__["__dataclass_fields__"] is self:
                self._complete(self._cls)
        return owner.__dataclass_fields__  # type: ignore[attr-defined]  # this one's, or theirs


class _Signature:
    """The signature of a class, where `inspect` looks for it first: that of `_new` says nothing."""

    def __get__(self, _: object, owner: type) -> Any:
        import inspect

        _complete(owner)
        # Of the class itself, not of an object that may be of another one.
        signature = inspect.signature(owner.__init__)  # type: ignore[misc]
        return signature.replace(parameters=list(signature.parameters.values())[1:])


_SIGNATURE = _Signature()


def _complete(cls: Any) -> None:
    if cls not in _COMPLETE:
        # Another thread may be about it: its fields are there before its methods.
        with _LOCK:
            dataclasses.fields(cls)
            _COMPLETE.add(cls)


def _new(cls: Any, *_: object, **__: object) -> Any:
    _complete(cls)
    return object.__new__(cls)
