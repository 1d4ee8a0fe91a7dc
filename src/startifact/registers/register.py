"""One value over all regions, moved by CASPaxos: each region's object is an acceptor.

D. Rystsov, "CASPaxos: Replicated State Machines without logs" (2018). A region promises and accepts
by compare-and-swap of one object, which holds both. A change is made under a ballot that a
majority of all regions has promised: it begins with what was accepted under the highest one before,
so what had succeeded is never lost, and of two changes that begin with the same state at most one
succeeds. docs/storage.md has the format, and docs/guarantees.md what a reader sees.
"""

from collections.abc import Callable
from typing import TypeVar

from startifact.errors import DeadlineError, StartifactError, UndeterminedError
from startifact.hints import Hint
from startifact.registers.attempt import Attempt, Author, Change
from startifact.registers.reader import RegisterReader
from startifact.registers.record import Accepted

V = TypeVar("V")

NOTHING_CHANGED = "nothing was changed"
MAY_BE_SEEN = "It may be seen from now on or not, until somebody changes it again"
UNDETERMINED = Hint.of(
    f"{MAY_BE_SEEN}: look at it, and run the same again where it is not what you want"
)


class Register(RegisterReader[V]):
    """A register that can be read and changed."""

    def change(
        self,
        propose: Callable[[Accepted[V] | None], V | None],
        author: Author,
        *,
        before_accepting: Callable[[], None] = lambda: None,
        accepts_nothing: bool = False,
        undetermined: Hint = UNDETERMINED,
    ) -> Change[V]:
        """Make the register hold what *propose* returns for what it holds now.

        *propose* is called in every round, and may raise, which ends the change; ``None`` stands
        for what is there already, which is made sure then; with *accepts_nothing* also where
        nothing is, so that no older promise leads to anything. *before_accepting* is called once
        regions have promised to accept nothing older, and may raise too. An error has a note that
        nothing was changed, or else says by *undetermined* that it may have been.

        Raises:
            SeveralRegionsError: Too few regions answered. Nothing was changed.
            UndeterminedError: It may have been changed, or not.
        """
        attempt = Attempt(self, propose, author, before_accepting, accepts_nothing=accepts_nothing)
        try:
            return attempt.run()
        except BaseException as e:
            if not attempt.may_be_seen:
                if isinstance(e, StartifactError):
                    e.add_note(NOTHING_CHANGED)
                raise
            # Also where a signal or the deadline ends it: what was sent may have arrived.
            if isinstance(e, DeadlineError):
                e.next_step = undetermined
            elif isinstance(e, StartifactError):
                raise UndeterminedError(e.message, hint=undetermined) from e
            else:
                e.add_note(str(undetermined))
            raise
