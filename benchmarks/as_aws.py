"""The command line, with stores on loopback taken for AWS: moto stands for it in measurements.

Every other store is tried before the first write, and looked at again after each write.
"""

import re
import sys

from startifact.regions.aws import endpoint

endpoint.AWS_HOST = re.compile("")

if __name__ == "__main__":
    from startifact.__main__ import run

    sys.exit(run())
