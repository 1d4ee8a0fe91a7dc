"""What is said where regions hold different contents of one version, and how one is chosen."""

from collections.abc import Iterable, Sequence

from startifact.errors import IntegrityError
from startifact.hints import Command, Hint, Option, Part
from startifact.model.keys import Key
from startifact.model.record import Record
from startifact.model.voting import ContentNames
from startifact.reading.replica import Replica
from startifact.text import with_regions


def disagreement(key: Key, replicas: Sequence[Replica]) -> IntegrityError:
    """Return the error that *replicas* differ, with what each region holds and how to choose."""
    names = ContentNames(replica.record for replica in replicas)
    lines, first = [], replicas[0]
    for replica in replicas:
        text = names.of(replica.record)
        if differences := first.record.differences(replica.record):
            text += f"; differs from {first.region.name} in {' and '.join(differences)}"
        lines.append(f"\n  {with_regions([replica.region.name], text)}")
    advice = "Find out which is right before you use this version"
    choice = choice_of(key, (r.record for r in replicas if r.is_recorded), f"{advice}, then run ")
    return IntegrityError(
        f"regions hold different content for {key}, and no majority agrees:{''.join(lines)}",
        hint=choice or unnamed(key, f"{advice}: "),
    )


def unnamed(key: Key, advice: str) -> Hint:
    """Return *advice*, and how contents without a digest, of the first Startifact, get names."""
    verify = Command("verify", key, (Option("read-data", "true"),))
    return Hint.of(advice, verify, " names each content, and a repair keeps the one that you name")


def choice_of(
    key: Key, records: Iterable[Record], advice: str, *, among: Iterable[Record] = ()
) -> Hint | None:
    """Return *advice* and the commands, each of which chooses one content of *records*.

    Names in them also distinguish these from contents *among* which they are. ``None`` where there
    is none to choose.
    """
    contents = list(records)
    names = ContentNames([*contents, *among])
    chosen = dict.fromkeys(names.to_choose(record) for record in contents)
    commands: list[Part] = []
    for name in chosen:
        commands += [" or ", Command("repair", key, (Option("keep", name),))]
    return Hint.of(advice, *commands[1:]) if commands else None
