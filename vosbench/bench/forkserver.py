"""The process from which the workers of this machine are forked, with all imported that they need.

It ends as soon as this one does, without taking itself apart, which took seconds in which it outlived the run.
"""

import atexit
import os
import sys
from multiprocessing import forkserver

from vosbench.base.processes import starting

# Threads share the heap of the process, which keeps what torch will ask for again. If all is killed, the process that
# then clears up semaphores has nothing to tell a user.
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "PYTHONWARNINGS": "ignore:resource_tracker:UserWarning",
}


def get_ready() -> None:
    """Start it, if it is not there; it needs seconds for its imports, in which this process may do other things."""
    forkserver.set_forkserver_preload(["vosbench.bench.dispatch", "distributed.nanny", __name__])
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    try:
        os.environ.update(ENVIRONMENT)
        with starting():  # what a terminal sends to all of them is this process's business
            forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


if any("multiprocessing.forkserver" in argument for argument in sys.orig_argv):
    atexit.register(os._exit, 0)
