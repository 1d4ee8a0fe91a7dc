"""The command line, with stores on loopback taken for AWS: moto stands for it in measurements.

Every other store is tried before the first write, and looked at again after each write.
BENCH_INVENTORY_WORKERS says how many artifacts are described at a time.
"""

import os
import re
import sys

from startifact.regions.aws import endpoint

endpoint.AWS_HOST = re.compile("")

if __name__ == "__main__":
    if workers := os.environ.get("BENCH_INVENTORY_WORKERS"):
        from startifact.cli import main
        from startifact.limits import Limits

        sys.exit(main(limits=Limits(inventory_workers=int(workers))))
    from startifact.__main__ import run

    sys.exit(run())
