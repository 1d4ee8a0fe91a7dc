"""Compare the CPU time of the action, from its start to its first request, with that of importing
boto3 and making one client, in the same image.

    python benchmarks/start_up.py [IMAGE]

Without IMAGE the image is built first. Needs a Docker engine.
"""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNS = 15
AIM = 1.5


def docker(*arguments: str) -> str:
    """Run the Docker command, and return what it printed."""
    return subprocess.run(["docker", *arguments], check=True, text=True, stdout=-1).stdout


def measure(image: str, runs: int = RUNS) -> dict[str, float]:
    """Return the median CPU seconds of both, measured in turn in one container of *image*."""
    code = (HERE / "start_up_inside.py").read_text(encoding="utf-8")
    interpreter = "/opt/startifact/bin/python"
    return dict(
        json.loads(
            docker(
                *("run", "--rm", "--network=none", "--entrypoint", interpreter, image),
                *("-I", "-c", code, str(runs)),
            )
        )
    )


def main() -> None:
    """Measure and print."""
    if len(sys.argv) > 1:
        image = sys.argv[1]
    else:
        image = docker("build", "--quiet", "--network=host", str(HERE.parent)).strip()
    seconds = measure(image)
    ratio = seconds["action"] / seconds["boto3"]
    print(f"import boto3 and make one client: {seconds['boto3']:.2f} s of CPU time")
    print(f"the action to its first request:  {seconds['action']:.2f} s of CPU time")
    print(f"ratio: {ratio:.2f}, to be at most {AIM}")


if __name__ == "__main__":
    main()
