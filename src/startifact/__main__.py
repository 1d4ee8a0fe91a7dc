"""``python -m startifact`` is the command line."""

import sys

from startifact.cli import main

if __name__ == "__main__":
    sys.exit(main())
