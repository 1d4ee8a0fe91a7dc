"""Templates of CloudFormation in JSON, which takes less room than YAML."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

_PLAIN = frozenset({"Ref", "Condition"})
"""Functions that have the same name in JSON; all others have ``Fn::`` before it."""


class _Loader(yaml.SafeLoader):
    """A loader that knows the short form of functions."""


def _function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise TypeError(f"!{name} has neither a text nor a list")
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in _PLAIN else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _function)


def in_short_json(template: str, metadata: Mapping[str, object]) -> str:
    """Return *template*, which is YAML, as JSON with *metadata*."""
    value = yaml.load(template, _Loader)  # noqa: S506  # it is a safe one, and the text is ours
    return json.dumps({"Metadata": dict(metadata), **value}, separators=(",", ":"))
