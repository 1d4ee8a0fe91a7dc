"""Write the README's tables of inputs and outputs from action.yml, or check that they are the same.

python scripts/readme_tables.py [--check]
"""

import sys
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parent.parent
README = PROJECT / "README.md"


def tables() -> dict[str, str]:
    """Return the text of each table, by the marker it stands between."""
    action = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))
    inputs = ["| Input | Default | What it is |", "| --- | --- | --- |"]
    for name, value in action["inputs"].items():
        default = f"`{value['default']}`" if value.get("default") else ""
        inputs.append(f"| `{name}` | {default} | {cell(value['description'])} |")
    outputs = ["| Output | What it is |", "| --- | --- |"]
    for name, value in action["outputs"].items():
        outputs.append(f"| `{name}` | {cell(value['description'])} |")
    return {"inputs": "\n".join(inputs), "outputs": "\n".join(outputs)}


def cell(text: str) -> str:
    """Return *text* as it can stand in a table's cell."""
    return " ".join(text.split()).replace("|", "\\|")


def rendered(readme: str) -> str:
    """Return *readme* with its tables made anew."""
    for name, table in tables().items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        before, rest = readme.split(begin, 1)
        _, after = rest.split(end, 1)
        readme = f"{before}{begin}{table}{end}{after}"
    return readme


def main() -> None:
    """Write the tables, or with ``--check`` fail where they differ."""
    current = README.read_text(encoding="utf-8")
    wanted = rendered(current)
    if "--check" in sys.argv[1:]:
        sys.exit(current != wanted and "README.md differs: run python scripts/readme_tables.py")
    README.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
