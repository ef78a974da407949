"""A process that has planned a run and forks it when it is told to: to import and hash all takes longer than a run.

It reads JSON lines: `{"folder": …}`, with `"policies"` and a `"limit"` if wanted, starts a run in a process group of
its own and answers with its id; `{}` waits for its end and answers with its exit status (that of a signal is negative).
Arguments: the data set, the model. Scoring takes place in a thread, since a process takes long to start.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import torch

from vosbench.base import processes
from vosbench.bench.plan import Plan
from vosbench.bench.runner import run
from vosbench.bench.suite import Suite

POLICIES = ("every-k:k=1", "first-only", "lfu:capacity=1")


def main(root: str, model: str) -> None:
    processes.start = lambda _, count: ThreadPoolExecutor(count)
    torch.set_num_threads(1)
    suite = Suite("davis2017", Path(root), model=model, controls=False)
    Plan(replace(suite, policies=POLICIES))
    child = 0
    for line in sys.stdin:
        asked = json.loads(line)
        if asked:
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                policies = tuple(asked.get("policies", POLICIES))
                run(replace(suite, policies=policies, limit=asked.get("limit")), Path(asked["folder"]))
                os._exit(0)
            os.setpgid(child, child)
            print(child, flush=True)
        else:
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
