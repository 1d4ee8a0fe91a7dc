"""What only the comparison of regions shows: what two share, and what should be the same in all."""

import json
from collections import Counter
from collections.abc import Container, Iterator, Mapping

from startifact.hints import Command, Hint, Option
from startifact.model.examination import (
    BUCKET,
    CONFIGURATION,
    FILE_SYSTEM,
    OTHER_REGIONS,
    REPLICATION,
    Check,
    CheckState,
    failed,
    ok,
)
from startifact.organisation.given_options import KEPT, options_for
from startifact.organisation.lost_regions import regions_in
from startifact.text import joined, quoted

Found = Mapping[str, tuple[Check, ...]]
"""The checks of each region, by its name."""


def cross_checked(found: Found) -> dict[str, tuple[Check, ...]]:
    """Return *found*, with what each region's checks are in comparison with those of the others."""
    expected = _usual_configuration(found)
    stores = {name: _subjects(checks, BUCKET) for name, checks in found.items()}
    file_systems = {name: _subjects(checks, FILE_SYSTEM) for name, checks in found.items()}
    result = {}
    for name, checks in found.items():
        own: list[Check] = []
        for check in checks:
            if check.name == BUCKET and check.subjects:
                own += [check, _sharing(name, stores)]
            elif check.state is not CheckState.OK:
                own.append(check)
            elif check.name == CONFIGURATION:
                own.append(_configuration(check, expected, found))
            elif check.name == REPLICATION:
                own.append(_replication(check, stores))
            elif check.name == FILE_SYSTEM:
                own.append(_file_system(name, check, file_systems))
            else:
                own.append(check)
        result[name] = tuple(own)
    return result


def _subjects(checks: tuple[Check, ...], name: str) -> tuple[str, ...]:
    return tuple(s for check in checks if check.name == name for s in check.subjects)


def _usual_configuration(found: Found) -> str | None:
    """Return what most regions are configured with; ``None`` where no more than half agree."""
    counts = Counter(s for checks in found.values() for s in _subjects(checks, CONFIGURATION))
    usual = counts.most_common(1)
    return usual[0][0] if usual and 2 * usual[0][1] > counts.total() else None


def _configuration(check: Check, expected: str | None, found: Found) -> Check:
    own = check.subjects[0]
    everything = {s for checks in found.values() for s in _subjects(checks, CONFIGURATION)}
    if len(everything) == 1 or own == expected:
        alike = sum(_subjects(checks, CONFIGURATION) == (own,) for checks in found.values())
        same = f", and is the same in {alike} regions" if alike > 1 else ""
        return ok(check.name, f"{check.found}{same}", own)
    if expected is None:
        differences = "no majority of the regions has the same"
    else:
        differences = joined(_differences(json.loads(own), json.loads(expected)))
    usual = json.loads(expected or own)
    return failed(
        check.name,
        f"{check.found}, and differs from that of other regions: {differences}",
        Hint.of("Write the same into all: ", _setup(usual, found)),
        own,
    )


def _setup(configuration: Mapping[str, object], found: Found) -> Command:
    names = configuration["regions"]
    regions = names if isinstance(names, list) and names else [*found]
    options = (
        Option("regions", ",".join(map(str, regions))),
        Option("bucket-name-param", str(configuration["bucket_name_param"])),
        Option("bucket-key-prefix", str(configuration["bucket_key_prefix"])),
        Option("parameter-name-prefix", str(configuration["parameter_name_prefix"])),
    )
    given = [option for option in options if option.value]
    everywhere = {s for checks in found.values() for s in _subjects(checks, CONFIGURATION)}
    somewhere = {key for text in everywhere for key in json.loads(text)}
    others = _other_options(configuration, somewhere)
    had = dict.fromkeys(region for text in everywhere for region in regions_in(text))
    removed = [Option("remove-region", region) for region in had if region not in regions]
    return Command("setup", options=(*given, *others, *removed))


def _other_options(
    configuration: Mapping[str, object], somewhere: Container[str]
) -> Iterator[Option]:
    """Yield the options for all other keys of *configuration*.

    A key that it lacks, and that is *somewhere*, has to go from there.
    """
    for key in KEPT:
        if key in configuration:
            yield from options_for(key, configuration[key])
        elif key in somewhere:
            yield Option("unset", key)


def _differences(own: Mapping[str, object], expected: Mapping[str, object]) -> list[str]:
    """Return in words what of the configuration *own* is not as in *expected*."""
    names = dict.fromkeys([*expected, *own])
    return [
        f"{name} is {quoted(own.get(name))}, expected {quoted(expected.get(name))}"
        for name in names
        if own.get(name) != expected.get(name)
    ]


def _sharing(name: str, stores: Mapping[str, tuple[str, ...]]) -> Check:
    """Return whether the bucket of the region *name* is that of another one too."""
    others = [other for other, store in stores.items() if other != name and store == stores[name]]
    if not others:
        return ok(OTHER_REGIONS, "no other region of the list has the same bucket")
    return failed(
        OTHER_REGIONS,
        f"the same bucket as that of {joined(others)}: it would count twice",
        "Give each region a bucket of its own, or leave one of them out of the list",
    )


def _replication(check: Check, stores: Mapping[str, tuple[str, ...]]) -> Check:
    into = [other for other, store in stores.items() if set(store) & set(check.subjects)]
    if not into:
        return check
    return failed(
        check.name,
        f"S3 replicates into the bucket of {joined(into)}, whatever Startifact has stored there: "
        "replication knows no conditions",
        "Remove the rule: aws s3api get-bucket-replication --bucket NAME shows all, and aws s3api "
        "delete-bucket-replication --bucket NAME removes all",
    )


def _file_system(name: str, check: Check, file_systems: Mapping[str, tuple[str, ...]]) -> Check:
    others = [
        other for other, own in file_systems.items() if other != name and own == check.subjects
    ]
    return (
        ok(check.name, f"the same as that of {joined(others)}: they fail together")
        if others
        else check
    )
