"""`python -m vosbench` is the command `vosbench`."""

import sys

from vosbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
