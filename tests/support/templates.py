"""Templates of CloudFormation, read."""

from typing import Any


def template_of(text: str) -> dict[str, Any]:
    """Return a template, whose functions are mappings."""
    # Only here: it takes half a second to import, and most workers only collect what needs it.
    from cfnlint.decode.cfn_yaml import loads

    return dict(loads(text))
