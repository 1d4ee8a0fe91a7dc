"""What makes a shell complete command lines: scripts that ``make generate`` writes."""

from pathlib import Path

SCRIPTS = Path(__file__).parent / "completions"


def completion_script(shell: str) -> str:
    """Return the script for *shell*, without the newline that ends it."""
    return (SCRIPTS / f"startifact.{shell}").read_text(encoding="utf-8").removesuffix("\n")
