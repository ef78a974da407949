"""Work for the tests of `vosbench.base.processes`, in a module that other processes can import."""

import os
import time

from vosbench.errors import VosbenchError


def half(number: float) -> tuple[float, int]:
    """Half of the number, and which process found it."""
    time.sleep(0.02)
    if number < 0:
        raise VosbenchError("negative", "give a positive number")
    return number / 2, os.getpid()
