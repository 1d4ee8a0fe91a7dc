"""Programs of the model that move and read a channel, each through the code under test."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from startifact import Session
from startifact.channels.targets import channel_register
from startifact.errors import (
    ExpectationError,
    NotFoundError,
    SeveralRegionsError,
    StartifactError,
    UndeterminedError,
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
        # Fewer rounds than there are: another one brings nothing new once each has failed each way.
        is_none = self.expect == "none"
        try:
            version = self._change(
                self._few_rounds(), None if is_none else self.expect, expect_none=is_none
            )
        except ExpectationError:
            return Report("conflict")
        except (UndeterminedError, SeveralRegionsError) as e:
            return Report("undetermined" if may_be_seen(e) else "failed")
        return Report("done", version)

    def _few_rounds(self) -> Session:
        return Session(
            regions=[ModelRegion(region) for region in self.regions],
            settings=Settings(origin=Origin(run=self.name)),
            limits=LIMITS,
        )

    def _change(self, session: Session, expect: str | None, *, expect_none: bool) -> str:
        session.promote(PROJECT, self.version, CHANNEL, expect=expect, expect_none=expect_none)
        return self.version


@dataclass(frozen=True, slots=True)
class RollBack(Promote):
    """Points the channel back at what it held before, which is no *version* that it is given."""

    version: str = ""

    def _change(self, session: Session, expect: str | None, *, expect_none: bool) -> str:
        return str(session.rollback(PROJECT, CHANNEL).version)


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


def may_be_seen(error: StartifactError) -> bool:
    """Say whether *error* says that what failed may be seen all the same."""
    return "It may be seen from now on or not" in f"{error}{getattr(error, '__notes__', '')}"
