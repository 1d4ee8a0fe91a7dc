"""All kinds of region, and how lists of spellings become regions."""

from collections.abc import Hashable, Iterable, Sequence

from startifact.errors import InputError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import DEFAULT_LIMITS, MAX_REGIONS, Limits
from startifact.problems import Problems
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.aws.spec import AWS, BUCKET
from startifact.regions.directory.spec import DIRECTORY
from startifact.regions.interface import Region
from startifact.regions.memory import MEMORY
from startifact.regions.near import near_spelling
from startifact.regions.spec import OpenContext, RegionKind, RegionSpec, quoted_spec
from startifact.text import quoted

KINDS: tuple[RegionKind, ...] = (AWS, BUCKET, DIRECTORY, MEMORY)
"""Every kind of region. A new one is a module of its own, and its line here."""

_HINTED = [kind.form for kind in KINDS if kind.form is not None]
FORMS = " or ".join([", ".join(_HINTED[:-1]), _HINTED[-1]])


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenedRegion(RegionSpec):
    """A region that a program has opened by itself."""

    region: Region

    @property
    def store(self) -> Hashable:
        # Not its `store_identity`, which may have to be looked up: it is compared when it is used.
        return (Region, self.text)

    def open(self, context: OpenContext) -> Region:  # noqa: ARG002
        return self.region


def parse_specs(items: Iterable[str | Region], *, source: str) -> tuple[RegionSpec, ...]:
    """Return what *items* spell; *source* says in messages where they come from.

    A region itself stands for itself.

    Raises:
        InputError: One is not known or there twice, or there is none. The message has all problems.
    """
    problems = Problems(source)
    specs: list[RegionSpec] = []
    texts: set[str] = set()
    stores: dict[Hashable, str] = {}
    for item in items:
        try:
            spec = _spec_of(item) if isinstance(item, Region) else parse_spec(item)
        except InputError as e:
            problems.absorb(e)
            continue
        text = spec.text
        if text in texts or spec.store in stores:
            first = quoted(stores.get(spec.store, text))
            problems.say(
                f"region {quoted(text)} "
                + ("is there twice" if text in texts else f"and {first} are one"),
                hint="Name every region, bucket and directory once",
            )
        texts.add(text)
        stores[spec.store] = text
        specs.append(spec)
    if len(specs) > MAX_REGIONS:
        problems.say(f"it names {len(specs)} regions, expected at most {MAX_REGIONS}")
    if not specs and not problems:
        problems.say("it names no region", hint=f"Name at least one: {FORMS}")
    problems.raise_if_any()
    return tuple(specs)


def parse_spec(text: str) -> RegionSpec:
    """Return what *text* spells.

    Raises:
        InputError: It is no kind's spelling, or not a valid one.
    """
    if not isinstance(text, str):
        raise InputError(f"region {quoted(text)} is not text", hint=f"Write {FORMS}")
    if not text.isprintable():
        raise InputError(f"region {quoted_spec(text)} has a character in it that cannot be shown")
    for kind in KINDS:
        if kind.matches(text):
            return kind.parse(text)
    meant = near_spelling(text)
    did_you_mean = f", did you mean {quoted_spec(meant)}?" if meant else ""
    raise InputError(
        f"region {quoted_spec(text)} is not a region{did_you_mean}", hint=f"Write {FORMS}"
    )


def _spec_of(region: Region) -> RegionSpec:
    name = getattr(region, "name", None)
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise InputError(
            f"a region of type {type(region).__name__} has the name {quoted(name)}, "
            "expected text that can be shown",
            hint="Give it a name of its own, by which messages can tell it from the others",
        )
    return _OpenedRegion(text=name, region=region)


def open_regions(
    specs: Sequence[RegionSpec],
    *,
    loader: ConfigurationLoader,
    default_region: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[Region, ...]:
    """Return the regions that *specs* name. Nothing is sent yet.

    *loader* is given to AWS regions. *default_region* signs requests to buckets whose spelling
    names no region.
    """
    context = OpenContext(loader=loader, limits=limits, default_region=default_region)
    return tuple(spec.open(context) for spec in specs)
