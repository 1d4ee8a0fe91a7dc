"""How one organisation configuration differs from another, in words."""

import json
from collections.abc import Mapping

from startifact.errors import StartifactError
from startifact.model.configuration import Configuration, parse_configuration, to_json
from startifact.text import quoted

_FOLLOWS = {
    "bucket_key_prefix": ": no version or channel that is there now is found then",
    "parameter_name_prefix": ": parameters of the old names stay, and no longer follow their "
    "channels",
}
"""What is not seen in a change by itself."""


def differences_to(present: str, configuration: Configuration) -> tuple[str, ...]:
    """Return, in words, how the configuration in *present* differs; empty when it is equal."""
    try:
        old = parse_configuration(present, source="the parameter")
    except StartifactError:
        return ("what was there is not a valid configuration",)
    before, after = json.loads(to_json(old)), json.loads(to_json(configuration))
    changes = [
        f"{name}: {_value_in(before, name)} becomes {_value_in(after, name)}"
        f"{_FOLLOWS.get(name, '')}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
    return (*changes, *old.warnings)


def _value_in(configuration: Mapping[str, object], name: str) -> str:
    return quoted(configuration[name]) if name in configuration else "nothing"
