"""Stage this project's own wheel into two directories and bring it back, as two steps would.

Everything happens below ``demo/``: no account, no network, nothing to clean up but that folder.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
DEMO = PROJECT / "demo"
# The runner starts the container's entry point just like this.
ENTRY_POINT = [sys.executable, "-I", "-u", "-X", "utf8", "-m", "startifact.action"]


def main() -> None:
    """Run the demonstration; a step that fails ends it."""
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    wheel = build_wheel()
    version = wheel.name.split("-")[1]

    print(f"\nStep 1: stage {wheel.name} as version {version} in two regions\n")
    step(
        "stage",
        command="stage",
        project="startifact",
        version=version,
        path=str(wheel.relative_to(DEMO)),
        metadata="built-by=make demo\nkind=wheel",
        **{"save-filename": "true"},
    )

    print("\nStep 2: download the latest version, whatever it is by then\n")
    outputs = step(
        "download",
        command="download",
        project="startifact",
        version="latest",
        path="downloaded",
        **{"load-filename": "true"},
    )

    back = DEMO / outputs["path"]
    same = back.read_bytes() == wheel.read_bytes()
    print("\nWhere things are now\n")
    for path in sorted(DEMO.rglob("*")):
        if path.is_file() and path.parent.name != "step" and not path.name.startswith("."):
            print(f"  {path.relative_to(PROJECT)}")
    print(f"\nThe downloaded file is {'the same' if same else 'NOT the same'}, byte for byte.")
    sys.exit(0 if same else 1)


def build_wheel() -> Path:
    """Build the project's wheel, and return where it is."""
    print("Building the wheel of this project")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--wheel-dir", str(DEMO / "dist"), str(PROJECT)]
    subprocess.run(command, check=True)
    return next((DEMO / "dist").glob("*.whl"))


def step(name: str, **inputs: str) -> dict[str, str]:
    """Run one workflow step, show what it writes for the workflow, and return its outputs."""
    files = DEMO / "step"
    files.mkdir(exist_ok=True)
    output, summary = files / f"{name}-output", files / f"{name}-summary"
    output.touch()
    summary.touch()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "GITHUB_WORKSPACE": str(DEMO),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
        "INPUT_REGIONS": "file:regions/one, file:regions/two",
        **{f"INPUT_{key.upper()}": value for key, value in inputs.items()},
    }
    done = subprocess.run(ENTRY_POINT, cwd=DEMO, env=environment, check=False)
    if done.returncode:
        sys.exit(f"the step failed with exit code {done.returncode}")
    outputs = parse(output.read_text(encoding="utf-8"))
    print("\n  Step outputs")
    for key, value in outputs.items():
        print(f"    {key}: {value}")
    print("\n  Job summary")
    for line in summary.read_text(encoding="utf-8").splitlines():
        print(f"    {line}")
    return outputs


def parse(text: str) -> dict[str, str]:
    """Return the outputs in *text*, which is in the format of ``GITHUB_OUTPUT``."""
    outputs: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if heredoc:
            value = []
            while (inner := next(lines)) != delimiter:
                value.append(inner)
            outputs[name] = "\n".join(value)
    return outputs


if __name__ == "__main__":
    main()
