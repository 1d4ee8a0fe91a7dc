"""How much an archive may hold that is extracted."""

from typing import Self

from startifact.errors import InputError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import (
    DEFAULT_MAX_EXTRACTED_SIZE,
    DEFAULT_MAX_MEMBERS,
    DEFAULT_MAX_RATIO,
)
from startifact.model.sizes import parse_size
from startifact.text import COUNTS, quoted


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much an archive may hold."""

    members: int
    size: int
    ratio: int

    @classmethod
    def of(
        cls, members: int | None = None, size: int | str | None = None, ratio: int | None = None
    ) -> Self:
        """Return those that are given, and for others the usual ones.

        Raises:
            InputError: One of them is no number from 1 on, or no size.
        """
        for name, count in (("max_members", members), ("max_ratio", ratio)):
            is_count = isinstance(count, int) and not isinstance(count, bool) and count > 0
            if count is not None and not is_count:
                raise InputError(f"{name} is {quoted(count)}, expected {COUNTS}")
        return cls(
            DEFAULT_MAX_MEMBERS if members is None else members,
            parse_size(
                DEFAULT_MAX_EXTRACTED_SIZE if size is None else size, name="the largest size"
            ),
            DEFAULT_MAX_RATIO if ratio is None else ratio,
        )
