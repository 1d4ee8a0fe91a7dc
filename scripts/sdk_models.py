"""Write what Startifact needs of the SDK's descriptions of services, or check it.

python -m scripts.sdk_models [--check]

Of a service whose description is large and of which little is called: a few operations, and what
their inputs, outputs and errors consist of, without documentation. It stays right for every version
of the SDK, since a service goes on to understand what it once has.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

FOLDER = Path(__file__).resolve().parent.parent / "src/startifact/regions/aws/models"
OPERATIONS = {"ssm": ("DeleteParameter", "DescribeParameters", "GetParameter", "PutParameter")}


def cut(model: Mapping[str, Any], operations: tuple[str, ...]) -> dict[str, Any]:
    """Return what *model* says of *operations*."""
    kept = {name: model["operations"][name] for name in operations}
    names: dict[str, None] = {}
    pending = list(_shapes_in(kept))
    while pending:
        name = pending.pop(0)
        if name not in names:
            names[name] = None
            pending += _shapes_in(model["shapes"][name])
    shapes = {name: model["shapes"][name] for name in sorted(names)}
    described = {key: model[key] for key in ("version", "metadata")}
    return dict(_undocumented(described | {"operations": kept, "shapes": shapes}))


def _shapes_in(value: object) -> Iterator[str]:
    """Yield the names of all shapes that *value* refers to."""
    if isinstance(value, Mapping):
        if isinstance(name := value.get("shape"), str):
            yield name
        for part in value.values():
            yield from _shapes_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from _shapes_in(part)


def _undocumented(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _undocumented(part)
            for name, part in value.items()
            if name not in {"documentation", "documentationUrl"}
        }
    return [_undocumented(part) for part in value] if isinstance(value, list) else value


def main() -> None:
    """Write each file, or with ``--check`` fail where one is not up to date."""
    loader = Loader()
    for service, operations in OPERATIONS.items():
        version = loader.determine_latest_version(service, "service-2")
        model = cut(loader.load_service_model(service, "service-2"), operations)
        file = FOLDER / service / version / "service-2.json"
        text = json.dumps(model, indent=1) + "\n"
        if "--check" in sys.argv[1:]:
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                sys.exit(f"not up to date: {file.name} of {service}: run make generate")
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
