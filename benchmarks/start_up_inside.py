"""Measures CPU times inside the image; start_up.py hands this text to its interpreter.

A program under test connects to us when it has got far enough, and then its CPU time is read.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile

RUNS = int(sys.argv[1])
TICK = os.sysconf("SC_CLK_TCK")
BOTO3 = """
import boto3, socket, sys
boto3.client("s3", region_name="us-east-1")
socket.create_connection(("127.0.0.1", int(sys.argv[1]))).recv(1)
"""
PYTHON = [sys.executable, "-I", "-u", "-X", "utf8"]


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process, all of its threads included."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def measure(kind: str) -> float:
    """Return how much CPU time a program of that *kind* takes until it connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.NamedTemporaryFile() as file:
        port = listener.getsockname()[1]
        listener.settimeout(60)
        inputs = {
            "COMMAND": "info",
            "PROJECT": "SugarWater",
            "VERSION": "1.0.0",
            "REGIONS": f"s3://a-bucket?region=us-east-1&endpoint=http%3A%2F%2F127.0.0.1%3A{port}",
        }
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
            "AWS_SECRET_ACCESS_KEY": "test-secret",
            "GITHUB_OUTPUT": file.name,
            **{f"INPUT_{name}": value for name, value in inputs.items()},
        }
        program = ["-m", "startifact.action"] if kind == "action" else ["-c", BOTO3, str(port)]
        with subprocess.Popen(
            [*PYTHON, *program], env=environment, stdout=subprocess.DEVNULL
        ) as process:
            try:
                with listener.accept()[0]:
                    return cpu_seconds(process.pid)
            finally:
                process.kill()


times: dict[str, list[float]] = {"boto3": [], "action": []}
for _ in range(RUNS):
    for kind, taken in times.items():
        taken.append(measure(kind))
print(json.dumps({kind: statistics.median(taken) for kind, taken in times.items()}))
