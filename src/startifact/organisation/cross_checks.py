"""What only the comparison of regions shows: what two share, and what should be the same in all."""

import json
import shlex
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace

from startifact.hints import Command, Hint, Option, as_hint
from startifact.model.aws_regions import AWS_REGION
from startifact.model.configuration import DEFAULT_PARAMETER
from startifact.model.examination import (
    BUCKET,
    BUCKET_NAME,
    CONFIGURATION,
    FILE_SYSTEM,
    KMS_KEY,
    OTHER_REGIONS,
    OWNER,
    PARAMETERS,
    REPLICATION,
    Check,
    CheckState,
    failed,
    ok,
)
from startifact.organisation.given_options import KEPT, options_for
from startifact.organisation.lost_regions import regions_in
from startifact.text import joined, quoted

_DECIDE = "Decide which is right, and write it into all, such as: "

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
                own += [check, _sharing(name, stores, _subjects(checks, BUCKET_NAME))]
            elif check.state is CheckState.FAILED:
                own.append(_with_setup(check, name, expected, found))
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


def _configurations(found: Found) -> list[str]:
    """Return the organisation configuration of each region that has one, as text."""
    own = (_subjects(checks, CONFIGURATION)[:1] for checks in found.values())
    return [text for texts in own for text in texts if text]


def _usual_configuration(found: Found) -> str | None:
    """Return what most regions are configured with; ``None`` where no more than half agree."""
    counts = Counter(_configurations(found))
    usual = counts.most_common(1)
    return usual[0][0] if usual and 2 * usual[0][1] > counts.total() else None


def _configuration(check: Check, expected: str | None, found: Found) -> Check:
    own, everything = check.subjects[0], _configurations(found)
    if len(set(everything)) == 1 or own == expected:
        alike = everything.count(own)
        same = f", and is the same in {alike} regions" if alike > 1 else ""
        return replace(check, found=f"{check.found}{same}")
    if expected is None:
        keys = joined(_differing(everything))
        differences = f"no majority of the regions has the same {keys}"
    else:
        differences = joined(_differences(json.loads(own), json.loads(expected)))
    usual = json.loads(expected or own)
    return failed(
        check.name,
        f"{check.found}, and differs from that of other regions: {differences}",
        Hint.of(_DECIDE if expected is None else "Write the same into all: ", _setup(usual, found)),
        *check.subjects,
    )


def _with_setup(check: Check, region: str, expected: str | None, found: Found) -> Check:
    """Return *check*, which failed, with the whole command in its hint where setup helps."""
    configuration = _subjects(found[region], CONFIGURATION)
    if check.name == CONFIGURATION:
        return _with_options(check, region, expected, found)
    if check.name == OWNER and configuration:
        setup = _setup(_changed(configuration[0], "bucket_owner", region, check.subjects[0]), found)
        return replace(check, next_step=Hint.of("Write the owner: ", setup))
    if check.name == KMS_KEY and check.subjects and configuration:
        setup = _setup(_changed(configuration[0], "kms_key", region, "ARN_OF_KEY"), found)
        return replace(check, next_step=Hint.of("Name a key that is there: ", setup))
    if check.name == PARAMETERS and configuration:
        return _with_fewer_copies(check, configuration[0], found)
    return check


def _with_options(check: Check, region: str, expected: str | None, found: Found) -> Check:
    """Return *check* with all options in its hint, where that is to run setup in *region*."""
    step = as_hint(check.next_step)
    if step is None or Command("setup") not in step.parts:
        return check
    others = [text for text in (expected, *_configurations(found)) if text is not None]
    if not others:
        return replace(check, next_step=_first_setup(found))
    # To a region that the others do not name there belongs more than a configuration.
    if region not in regions_in(others[0]):
        return check
    begin = _DECIDE if expected is None else "Write that of most regions: "
    return replace(check, next_step=Hint.of(begin, _setup(json.loads(others[0]), found)))


def _first_setup(found: Found) -> Hint:
    """Return what writes a configuration where no region has one."""
    regions = Option("regions", ",".join(r for r in found if AWS_REGION.fullmatch(r)))
    parameter = _of_parameter(found)
    bucket = Option("bucket-name-param", "/NAME/bucket")
    return Hint.of(
        "Write one: ",
        Command("setup", options=(regions, bucket, *parameter)),
        "; or have buckets and roles made too: ",
        Command("bootstrap", options=(regions, Option("name", "NAME"), *parameter)),
        "; or name a bucket (s3://bucket?region=...) instead of the region",
    )


def _changed(configuration: str, key: str, region: str, value: str) -> Mapping[str, object]:
    """Return *configuration* with *value* for its *key*, in *region* where each has its own."""
    own = json.loads(configuration)
    is_of_regions = isinstance(own[key], dict)
    return {**own, key: {**own[key], region: value} if is_of_regions else value}


def _with_fewer_copies(check: Check, configuration: str, found: Found) -> Check:
    """Return *check* with what keeps copies from becoming more, beside what to do now."""
    copied = {**json.loads(configuration), "mirrored_channels": ["latest"]}
    setup = _setup(copied, found)
    step = as_hint(check.next_step) or Hint.of()
    begin = ("Have only those channels copied that somebody reads in SSM: ", setup, ". ")
    return replace(check, next_step=Hint.of(*begin, *step.parts))


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
    everywhere = _configurations(found)
    somewhere = {key for text in everywhere for key in json.loads(text)}
    others = _other_options(configuration, somewhere)
    had = dict.fromkeys(region for text in everywhere for region in regions_in(text))
    removed = [Option("remove-region", region) for region in had if region not in regions]
    return Command("setup", options=(*given, *others, *removed, *_of_parameter(found)))


def _of_parameter(found: Found) -> list[Option]:
    """Return the option without which setup would write the configuration of others."""
    subjects = (_subjects(checks, CONFIGURATION)[1:] for checks in found.values())
    parameters = {parameter for own in subjects for parameter in own}
    others = sorted(parameters - {DEFAULT_PARAMETER, ""})
    return [Option("configuration-parameter", parameter) for parameter in others]


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


def _differing(configurations: Iterable[str]) -> list[str]:
    """Return the keys that are not the same in all *configurations*."""
    parsed = [json.loads(text) for text in configurations]
    keys = dict.fromkeys(key for one in parsed for key in one)
    return [key for key in keys if any(one.get(key) != parsed[0].get(key) for one in parsed)]


def _differences(own: Mapping[str, object], expected: Mapping[str, object]) -> list[str]:
    """Return in words what of the configuration *own* is not as in *expected*."""
    names = dict.fromkeys([*expected, *own])
    return [
        f"{name} is {quoted(own.get(name))}, expected {quoted(expected.get(name))}"
        for name in names
        if own.get(name) != expected.get(name)
    ]


def _sharing(
    name: str, stores: Mapping[str, tuple[str, ...]], parameters: tuple[str, ...]
) -> Check:
    """Return whether the bucket of the region *name* is that of another one too.

    *parameters* has the one that names its bucket, where one does.
    """
    others = [other for other, store in stores.items() if other != name and store == stores[name]]
    if not others:
        return ok(OTHER_REGIONS, "no other region of the list has the same bucket")
    commands = (
        f": aws ssm put-parameter --region {name} --overwrite --name {shlex.quote(parameter)} "
        "--value NAME_OF_BUCKET;"
        for parameter in parameters
    )
    return failed(
        OTHER_REGIONS,
        f"the same bucket as that of {joined(others)}: it would count twice",
        f"Give each region a bucket of its own{next(commands, ',')} or leave one of them out of "
        "the list",
    )


def _replication(check: Check, stores: Mapping[str, tuple[str, ...]]) -> Check:
    into = [other for other, store in stores.items() if set(store) & set(check.subjects)]
    if not into:
        return replace(check, next_step=None)
    return failed(
        check.name,
        f"S3 replicates into the bucket of {joined(into)}, whatever Startifact has stored there: "
        "replication knows no conditions",
        check.next_step,
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
