"""The command line of a benchmark: `-h` tells what its file does; what does not fit is told in a line, with exit 2."""

import argparse
import subprocess
import sys
from collections.abc import Callable

from vosbench.errors import VosbenchError


class Arguments(argparse.ArgumentParser):
    """A parser whose whole numbers are 1 or more; `told` is the docstring of the file."""

    def __init__(self, told: str | None) -> None:
        super().__init__(description=told, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.register("type", int, at_least_one)


def at_least_one(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 or a larger whole number")
    return number


def begin(main: Callable[[], int | None]) -> None:
    """Do what a benchmark does, and end the process: with 2 if vosbench refuses what is asked for."""
    try:
        sys.exit(main())
    except VosbenchError as error:
        print(f"error: {error.message}\nhint: {error.hint}", file=sys.stderr)
        sys.exit(2)
    except subprocess.CalledProcessError as error:  # of a process, which has told why
        print(error.stderr or "", end="", file=sys.stderr)
        sys.exit(error.returncode)
