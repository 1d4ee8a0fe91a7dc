"""Startifact with the AWS on loopback taken for AWS: a step of the action, or a command line.

python -m scripts.pictures.as_aws step
python -m scripts.pictures.as_aws WORD…
"""

import re
import runpy
import sys

from startifact.regions.aws import endpoint

endpoint.AWS_HOST = re.compile("")

if __name__ == "__main__":
    if sys.argv[1:] == ["step"]:
        runpy.run_module("startifact.action", run_name="__main__")
    else:
        from startifact.__main__ import run

        sys.exit(run())
