"""What must be true at every step, whoever takes it: the promises, as checks of one step each.

None of them asks the code under test what it thinks; they look at what regions hold, at what each
process has been answered, and at what it reports.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import NamedTuple

from semver import Version

from startifact.channels.record import ChannelRecord, parse_channel_record
from startifact.errors import StartifactError
from startifact.model.keys import LATEST, artifact_key, channel_key
from startifact.model.record import decode
from startifact.model.versions import highest, is_later
from startifact.regions.interface import StoredArtifact, StoredChannel
from tests.model.engine import Ask
from tests.model.programs import PROJECT, Program, Repair, Report, Stage
from tests.support.memory_region import Item, Request, StoreState

CHANNEL = channel_key(PROJECT, LATEST)

CREATES = frozenset({"create", "create_copy"})
"""What makes an artifact; both are asked for with its key first and its record third."""

WRITES = CREATES | {"write_channel", "write_mirror", "delete_mirror", "delete"}
WRITES |= {"replace_with_tombstone"}

Content = tuple[object, ...]


class BrokenPromiseError(AssertionError):
    """A promise was broken; *rule* names it."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule


class Known(NamedTuple):
    """What regions have answered one process."""

    contents: frozenset[tuple[str, str, Content]] = frozenset()
    """Which region holds which content under which artifact key."""

    doubtful: frozenset[tuple[str, str, Content]] = frozenset()
    """The same of answers that may have come too late for the process to notice them."""

    first: frozenset[tuple[str, str | None]] = frozenset()
    """Where each region's ``latest`` was when it was read for the first time."""

    def reported(
        self, program: Program, ask: Ask, answer: object, *, doubtful: bool = False
    ) -> "Known":
        """Return what *program* knows once *ask* was answered with *answer*.

        A *doubtful* answer may come too late for anybody to notice.
        """
        if program.is_about_channels:
            return self
        verb, args = ask.request
        # A create is answered with the artifact where that proves it.
        if verb in {"describe", "create"} and isinstance(answer, StoredArtifact):
            key = str(args[0])
            if not isinstance(program, Stage) or key == artifact_key(PROJECT, program.version):
                found = (ask.region, key, content_of(str(answer.encoded_record)))
                if doubtful:
                    return self._replace(doubtful=self.doubtful | {found})
                return self._replace(contents=self.contents | {found})
        if doubtful:
            answer = None
        if verb == "read_channel" and all(region != ask.region for region, _ in self.first):
            if answer is None:
                return self._replace(first=self.first | {(ask.region, None)})
            if isinstance(answer, StoredChannel):
                latest = (ask.region, str(channel_record_of(answer.text).version))
                return self._replace(first=self.first | {latest})
        return self

    def of(self, key: str) -> dict[str, Content]:
        """Return which content each region has been seen to hold under *key*."""
        return {region: content for region, at, content in self.contents if at == key}

    def possible(self, key: str) -> Iterator[dict[str, Content]]:
        """Yield the same for each way in which doubtful answers may have been noticed or not."""
        sure = self.of(key)
        doubtful = [
            (region, content)
            for region, at, content in self.doubtful
            if at == key and region not in sure
        ]
        for count in range(len(doubtful) + 1):
            for noticed in combinations(doubtful, count):
                yield sure | dict(noticed)


def own_content(program: Stage) -> Content:
    """Return what makes the file of *program* the same as what regions hold."""
    return (program.sha256, len(program.content), None, ())


def chosen_content(program: Stage, found: Iterable[Content]) -> Content | None:
    """Return what is, or becomes, the version by what regions hold; ``None`` where none can be."""
    own, counts = own_content(program), Counter(found)
    enough = len(program.regions) // 2 + 1
    if counts.keys() <= {own} or counts[own] >= enough:
        return own
    if not program.keeps:
        return None
    kept = [content for content, count in counts.items() if count >= enough or len(counts) == 1]
    return kept[0] if kept else None


def known_from_the_start(program: Program) -> Known:  # of none anything yet
    """Return what a process knows before it has asked anybody."""
    return Known()


@cache
def content_of(encoded_record: str) -> Content:
    """Return what makes two artifacts the same."""
    return decode(encoded_record, where="the model").content


@cache
def channel_record_of(text: str) -> ChannelRecord:
    """Return what a channel's text says."""
    return parse_channel_record(text, where="the model")


@cache
def version_of(text: str) -> Version:
    """Return *text* as a version."""
    return Version.parse(text)


def not_below(version: str, minimum: str) -> bool:
    """Say whether ``latest`` at *version* has what a staging of *minimum* promised."""
    return not is_later(version_of(minimum), version_of(version))


def latest_in(store: StoreState) -> str | None:
    """Return the version that ``latest`` points at."""
    text = store.channels.get(CHANNEL)
    return None if text is None else str(channel_record_of(text).version)


def holds(store: StoreState, program: Stage) -> bool:
    """Say whether a region holds what *program* stages."""
    item = store.items.get(artifact_key(PROJECT, program.version))
    return item is not None and content_of(str(item.encoded_record))[0] == program.sha256


def _content_in(store: StoreState, program: Stage) -> Content | None:
    item = store.items.get(artifact_key(PROJECT, program.version))
    return None if item is None else content_of(str(item.encoded_record))


def holds_other(store: StoreState, program: Stage) -> bool:
    """Say whether a region holds other content under the version that *program* stages."""
    return artifact_key(PROJECT, program.version) in store.items and not holds(store, program)


def check_request(program: Program, known: Known, ask: Ask) -> None:
    """Whoever has seen other content writes nothing, and a channel begins no lower than the rest.

    Where a majority holds what is staged, or with ``keep``, what exists is gone on with.
    What it asks for is judged when it asks, by the answers it had by then.
    """
    request = ask.request
    if program.is_about_channels:
        return
    if request.verb in CREATES:
        key, content = str(request.args[0]), content_of(str(request.args[2]))
        if not any(_may_be_written(program, found, content) for found in known.possible(key)):
            raise BrokenPromiseError(
                "promise 2", f"{program.name} writes {request.args[0]} where others differ"
            )
    if request.verb != "write_channel":
        return
    version = str(channel_record_of(str(request.args[1])).version)
    key = artifact_key(PROJECT, version)
    if not any(_may_be_pointed_at(program, found, ask.region) for found in known.possible(key)):
        raise BrokenPromiseError(
            "promise 1", f"{program.name} moves latest to {version}, seeing others"
        )
    for region, latest in known.first:
        if request.args[2] is None and latest is not None and not not_below(version, latest):
            raise BrokenPromiseError(
                "behind", f"{program.name} begins at {version}, {region} had {latest}"
            )


def chosen_content_of(program: Program, found: Mapping[str, Content]) -> Content | None:
    """Return the same for any program: only a staging may choose, or brings one of its own."""
    if isinstance(program, Stage):
        return chosen_content(program, found.values())
    contents = set(found.values())
    return contents.pop() if len(contents) == 1 else None


def _may_be_written(
    program: Program, found: Mapping[str, Content], content: Content | None
) -> bool:
    """Say whether *content* may stand for a version of which regions are seen to hold *found*."""
    if not found and not isinstance(program, Stage):
        return True
    return content is not None and content == chosen_content_of(program, found)


def _may_be_pointed_at(program: Program, found: Mapping[str, Content], region: str) -> bool:
    """Say whether ``latest`` of *region* may point at a version of which *found* is seen."""
    content_here = found.get(region, chosen_content_of(program, found))
    return not found or _may_be_written(program, found, content_here)


def check_change(region: str, request: Request, before: StoreState, after: StoreState) -> None:
    """What is stored stays, ``latest`` goes forward, and points at something whole."""
    if before is after:
        return
    for key, item in before.items.items():
        if after.items.get(key) != item:
            raise BrokenPromiseError("promise 1", f"{key} changed in {region}")
    old, new = before.channels.get(CHANNEL), after.channels.get(CHANNEL)
    if old is not None and new != old:
        check_forward(
            region, channel_record_of(old), None if new is None else channel_record_of(new)
        )
    check_store(region, after, before)


def check_forward(region: str, old: ChannelRecord, new: ChannelRecord | None) -> None:
    """A channel that was moved is later, and counted."""
    if new is None or not is_later(new.version, old.version):
        now = None if new is None else new.version
        raise BrokenPromiseError(
            "promise 4", f"latest in {region} went from {old.version} to {now}"
        )
    if (new.generation, str(new.previous)) != (old.generation + 1, str(old.version)):
        raise BrokenPromiseError("promise 4", f"latest in {region} lost a move: {old}, {new}")


def check_store(region: str, store: StoreState, before: StoreState) -> None:
    """What was stored is what its record says, and no channel points at what is not there."""
    for key, item in store.items.items():
        if before.items.get(key) != item and not _is_whole(item):
            raise BrokenPromiseError("promise 3", f"{key} in {region} is not what its record says")
    latest = latest_in(store)
    if latest is not None and artifact_key(PROJECT, latest) not in store.items:
        raise BrokenPromiseError("promise 3", f"latest in {region} is {latest}, which is not there")


@cache
def _is_whole(item: Item) -> bool:
    try:
        content = content_of(str(item.encoded_record))
    except StartifactError:
        return False
    return content[:2] == (hashlib.sha256(item.data).hexdigest(), len(item.data))


def check_move(
    program: Program,
    ask: Ask,
    stores: Mapping[str, StoreState],
    first: Mapping[str, StoreState],
) -> None:
    """No staging moves ``latest`` to its version before enough regions hold it.

    Where fewer than half of all regions had one at the *first* moment, none creates it below what
    the region and most others have held from then on.
    """
    request = ask.request
    if program.is_about_channels:
        return
    if request.verb != "write_channel" or not isinstance(program, Stage):
        return
    known = sum(CHANNEL in store.channels for store in first.values())
    if request.args[2] is None and 2 * known < len(program.regions):
        version = str(channel_record_of(str(request.args[1])).version)
        for key, item in first[ask.region].items.items():
            later, content = key.partition("@")[2], content_of(str(item.encoded_record))
            same = [s for s in first.values() if key in s.items]
            most = sum(content_of(str(s.items[key].encoded_record)) == content for s in same)
            if most * 2 > len(program.regions) and not not_below(version, later):
                raise BrokenPromiseError(
                    "lost", f"{program.name} begins at {version}, {ask.region} had {later}"
                )
    if str(channel_record_of(str(request.args[1])).version) == program.version:
        counts = Counter(_content_in(stores[region], program) for region in program.regions)
        del counts[None]
        own = own_content(program)
        count = max(counts.values(), default=0) if program.keeps else counts[own]
        if count < program.needed:
            raise BrokenPromiseError("quorum", f"{program.name} moves latest with {count} regions")


def check_report(
    program: Program, report: Report, stores: Mapping[str, StoreState], *, calm: bool
) -> None:
    """What is reported is so. In a *calm* run nothing has failed, so nothing may be missing."""
    mine = [stores[region] for region in program.regions]
    if calm and report.end == "short" and not _with_other_content_of_latest(mine):
        raise BrokenPromiseError(
            "calm", f"{program.name} failed although nothing was wrong: {report}"
        )
    if calm and report.end == "unreached":
        raise BrokenPromiseError(
            "calm", f"{program.name} reached nothing although nothing was wrong"
        )
    if not isinstance(program, Stage):
        return
    if report.end == "conflict" and not any(holds_other(store, program) for store in mine):
        raise BrokenPromiseError(
            "report", f"{program.name} reports a conflict that nobody can find"
        )
    if report.end == "staged":
        check_success(program, report, mine)
    _check_holders(program, report, stores)
    for region, _, latest in report.outcomes:
        here = latest_in(stores[region])
        if latest is not None and (here is None or not not_below(here, latest)):
            raise BrokenPromiseError(
                "promise 4", f"{program.name} says {latest} of {region}: {here}"
            )
        if latest is not None and not not_below(latest, program.version):
            raise BrokenPromiseError(
                "promise 4", f"{program.name} left latest of {region} at {latest}"
            )


def _check_holders(program: Stage, report: Report, stores: Mapping[str, StoreState]) -> None:
    """Regions that are said to hold the version hold one content, the file's unless it is kept."""
    said = [region for region, state, _ in report.outcomes if state in {"created", "present"}]
    contents = {_content_in(stores[region], program) for region in said}
    own = own_content(program)
    if len(contents) > 1 or None in contents or not (program.keeps or contents <= {own}):
        raise BrokenPromiseError("report", f"{program.name} says of {said} that they hold it")


def disagreement(stores: list[StoreState]) -> bool:
    """Say whether regions hold different content under one key."""
    found = {
        (key, content_of(str(item.encoded_record)))
        for store in stores
        for key, item in store.items.items()
    }
    return len(found) > len({key for key, _ in found})


def check_success(program: Stage, report: Report, stores: list[StoreState]) -> None:
    """A staging that succeeded has enough regions with the artifact and a ``latest`` not below."""
    if not program.keeps and report.sha256 != program.sha256:
        raise BrokenPromiseError("success", f"{program.name} succeeded with other content")
    contents = [_content_in(store, program) for store in stores]
    count = sum(
        content is not None and content[0] == report.sha256 and _has_followed(store, program)
        for store, content in zip(stores, contents, strict=True)
    )
    if count < program.needed:
        raise BrokenPromiseError("success", f"{program.name} succeeded with {count} regions")


def _has_followed(store: StoreState, program: Stage) -> bool:
    latest = latest_in(store)
    return latest is not None and not_below(latest, program.version)


def check_reader(program: Program, report: Report, promised: set[Stage], *, calm: bool) -> None:
    """A reader gets nothing below what had been staged when it began, and never "not found"."""
    if not promised:
        return
    if report.end == "absent" or (calm and report.end == "undetermined"):
        raise BrokenPromiseError("quorum", f"{program.name} found nothing ({report.end})")
    if report.end != "got":
        return
    for staged in promised:
        if not not_below(str(report.version), staged.version):
            raise BrokenPromiseError(
                "quorum", f"{program.name} got {report.version} after {staged.version}"
            )
        other = report.sha256 != staged.sha256 and not staged.keeps
        if calm and report.version == staged.version and other:
            raise BrokenPromiseError(
                "promise 1", f"{program.name} got other content of {report.version}"
            )


def promises_to(
    program: Program, succeeded: Mapping[Program, frozenset[Program]], known: frozenset[Program]
) -> set[Stage]:
    """Return the stagings that a reader, or a repair, has to see.

    *known* are the programs that had succeeded when it began; *succeeded* says what each of them
    knew when it began itself. A list of regions that has grown counts once it was repaired.
    """
    same = [p for p in known if set(p.regions) == set(program.regions)]
    found = {p for p in same if isinstance(p, Stage)}
    for repair in (p for p in same if isinstance(p, Repair)):
        before = (p for p in succeeded[repair] if isinstance(p, Stage))
        found |= {p for p in before if set(p.regions) <= set(program.regions)}
    return found


def check_again(
    program: Stage,
    report: Report,
    before: Mapping[str, StoreState],
    after: Mapping[str, StoreState],
) -> None:
    """Staging again ends well and complete, or, over other content, writes nothing.

    Over other content in a minority, what is staged or kept is completed in all other regions.
    """
    contents = {region: _content_in(before[region], program) for region in program.regions}
    found = [content for content in contents.values() if content is not None]
    chosen = chosen_content(program, found)
    different = {r for r, content in contents.items() if content not in {None, chosen}}
    if chosen is None or (different and len(contents) - len(different) < program.needed):
        if report.end != "conflict" or before != after:
            raise BrokenPromiseError(
                "promise 2", f"{program.name} over other content: {report.end}"
            )
        return
    behind = _behind(program, before) | different
    if report.end != "staged" and len(program.regions) - len(behind) >= program.needed:
        raise BrokenPromiseError("promise 2", f"{program.name} again: {report}")
    if any(before[region] != after[region] for region in different):
        raise BrokenPromiseError("promise 1", f"{program.name} changed one of {different}")
    for region in (r for r in program.regions if r not in different):
        latest = latest_in(after[region])
        if _content_in(after[region], program) != chosen:
            raise BrokenPromiseError("promise 2", f"{program.name} again left out {region}")
        if latest is None and region in behind:
            continue
        if latest is None or not not_below(latest, program.version):
            raise BrokenPromiseError("promise 2", f"{program.name} again left {region} at {latest}")
        if region.islower() and after[region].displayed.get(CHANNEL) != latest:
            raise BrokenPromiseError("copy", f"the copy in {region} does not show {latest}")


def _behind(program: Stage, stores: Mapping[str, StoreState]) -> set[str]:
    """Return the regions without a channel, and without the content that it has to begin with."""
    stored = [latest_in(stores[region]) for region in program.regions]
    above = [version_of(v) for v in stored if v is not None and not not_below(program.version, v)]
    if not above:
        return set()
    start = artifact_key(PROJECT, highest(above))
    mine = [stores[region] for region in program.regions]
    missing = [s for s in mine if latest_in(s) is None and start not in s.items]
    behind = [*missing, *_with_other_content_of_latest(mine)]
    return {region for region in program.regions if stores[region] in behind}


def _with_other_content_of_latest(stores: Sequence[StoreState]) -> list[StoreState]:
    """Return what has no channel, and other content of the highest ``latest`` than most have."""
    known = [version_of(latest) for latest in map(latest_in, stores) if latest is not None]
    if not known:
        return []
    key = artifact_key(PROJECT, highest(known))
    found = [(s, content_of(str(s.items[key].encoded_record))) for s in stores if key in s.items]
    counts = Counter(content for _, content in found)
    most = counts.most_common()
    tied = len(most) > 1 and most[0][1] == most[1][1]
    return [
        store
        for store, content in found
        if latest_in(store) is None and (tied or content != most[0][0])
    ]


def check_end(
    ended: list[tuple[Program, Report | None]],
    before: Mapping[str, StoreState],
    after: Mapping[str, StoreState],
) -> None:
    """Where nothing failed, ``latest`` ends at the highest that got there, and its copy too."""
    for region, store in after.items():
        latest, first = latest_in(store), latest_in(before[region])
        if region.islower() and store.displayed.get(CHANNEL) != latest:
            raise BrokenPromiseError("copy", f"the copy in {region} does not show {latest}")
        if any(isinstance(program, Repair) for program, _ in ended):
            continue
        there = [] if first is None else [version_of(first)]
        for program, report in ended:
            if isinstance(program, Stage) and report is not None and report.end == "staged":
                followed = [o.region for o in report.outcomes if o.latest is not None]
                there += [version_of(program.version)] if region in followed else []
        best = str(highest(there)) if there else None
        if not _is_equal(latest, best) and not _is_held_by_most(latest, best, region, after):
            raise BrokenPromiseError(
                "promise 4", f"latest in {region} ended at {latest}, not {best}"
            )


def _is_held_by_most(
    latest: str | None, best: str | None, region: str, stores: Mapping[str, StoreState]
) -> bool:
    """Say whether *latest* began above *best*, at a version that most regions hold as this one.

    Its own staging has not moved it, as it met other content in the rest.
    """
    if latest is None or best is None or not not_below(latest, best):
        return False
    key = artifact_key(PROJECT, latest)
    contents = [
        content_of(str(s.items[key].encoded_record)) for s in stores.values() if key in s.items
    ]
    item = stores[region].items.get(key)
    own = None if item is None else content_of(str(item.encoded_record))
    return contents.count(own) * 2 > len(stores) if own is not None else False


def _is_equal(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return not_below(one, other) and not_below(other, one)


def is_one_list(programs: Iterable[Program]) -> bool:
    """Say whether all use the same regions: then no region is behind for want of a repair."""
    return len({frozenset(program.regions) for program in programs}) == 1


def check_repaired(repaired: Report, verified: Report, stores: list[StoreState]) -> None:
    """A repair leaves nothing to be found, or says that regions disagree."""
    if disagreement(stores):
        if (repaired.end, verified.end) != ("refused", "different"):
            raise BrokenPromiseError("repair", f"regions disagree, but {repaired} and {verified}")
    elif (repaired.end, verified.end) != ("repaired", "same"):
        raise BrokenPromiseError("repair", f"regions agree, but {repaired} and {verified}")
