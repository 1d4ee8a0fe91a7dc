"""Programs of the model that move and read a channel, each through the code under test."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from startifact import Session
from startifact.channels.promotion import Promotion
from startifact.channels.targets import channel_register
from startifact.errors import (
    ExpectationError,
    NotFoundError,
    SeveralRegionsError,
    StartifactError,
    UndeterminedError,
    YankedError,
)
from startifact.limits import DEFAULT_LIMITS, RetryLimits
from startifact.model.record import Origin
from startifact.settings import Settings
from tests.model.engine import ModelRegion, running
from tests.model.programs import PROJECT, Program, Report

CHANNEL = "prod"
LIMITS = replace(DEFAULT_LIMITS, channel_retry=RetryLimits(attempts=2), promise_attempts=2)


@dataclass(frozen=True, slots=True)
class ChannelProgram(Program):
    """A program that is about the channel; what it changes has its name as the move's id."""

    is_about_channels: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Promote(ChannelProgram):
    """Points the channel at *version*."""

    version: str
    expect: str | None = None
    """``none`` for no such channel."""

    @property
    def starts_late(self) -> bool:
        return False

    def run(self, folder: Path) -> Report:
        running().label = self.name
        is_none = self.expect == "none"
        try:
            promotion = self._change(
                few_rounds(self), None if is_none else self.expect, expect_none=is_none
            )
        except (ExpectationError, YankedError):
            return Report("conflict")
        except (NotFoundError, UndeterminedError, SeveralRegionsError) as e:
            return Report("undetermined" if may_be_seen(e) else "failed")
        if not promotion.changed:  # whose move it has found, and made sure
            return Report("unchanged", steps=(promotion.moved_by,))
        return Report("done", str(promotion.version))

    def _change(self, session: Session, expect: str | None, *, expect_none: bool) -> Promotion:
        return session.promote(
            PROJECT, self.version, CHANNEL, expect=expect, expect_none=expect_none
        )


@dataclass(frozen=True, slots=True)
class PromoteLate(Promote):
    """The same; what had succeeded before it began is what it has to obey."""

    @property
    def starts_late(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class RollBack(Promote):
    """Points the channel back at what it held before, which is no *version* that it is given."""

    version: str = ""

    def _change(self, session: Session, expect: str | None, *, expect_none: bool) -> Promotion:
        return session.rollback(PROJECT, CHANNEL)


@dataclass(frozen=True, slots=True)
class RemoveChannel(Promote):
    """Points the channel at nothing."""

    version: str = ""

    def _change(self, session: Session, expect: str | None, *, expect_none: bool) -> Promotion:
        return session.remove_channel(PROJECT, CHANNEL, expect=expect)


@dataclass(frozen=True, slots=True)
class Yank(ChannelProgram):
    """Yanks *version*."""

    version: str

    def run(self, folder: Path) -> Report:
        running().label = self.name
        try:
            few_rounds(self).yank(PROJECT, self.version, "It is broken")
        except (UndeterminedError, SeveralRegionsError) as e:
            return Report("undetermined" if may_be_seen(e) else "failed")
        return Report("done", self.version)


@dataclass(frozen=True, slots=True)
class Read(ChannelProgram):
    """Reads the channel, and reports which moves led to what it holds, newest first."""

    def run(self, folder: Path) -> Report:
        regions = [ModelRegion(region) for region in self.regions]
        register = channel_register(regions, PROJECT, CHANNEL, limits=DEFAULT_LIMITS)
        try:
            reading = register.read()
        except (NotFoundError, SeveralRegionsError):
            return Report("unknown")
        if not reading.is_known:
            return Report("unknown")
        moves = () if reading.accepted is None else reading.accepted.history
        return Report("read", steps=tuple(move.id for move in moves))


def few_rounds(program: Program) -> Session:
    """Return a session whose changes go through fewer rounds than they do.

    Another one brings nothing new once each has failed each way.
    """
    return Session(
        regions=[ModelRegion(region) for region in program.regions],
        settings=Settings(origin=Origin(run=program.name)),
        limits=LIMITS,
    )


def may_be_seen(error: StartifactError) -> bool:
    """Say whether *error* says that what failed may be seen all the same."""
    return "It may be seen from now on or not" in f"{error}{getattr(error, '__notes__', '')}"
