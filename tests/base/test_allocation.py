"""Memory that was freed stays with the process where the C library is GNU's.

The first few blocks of a size may each be fetched: small pieces beside a freed block, which the library keeps for
later (seven of a size), can hold it apart from its neighbours. Once these pieces are full, nothing more is fetched.
"""

import platform
import subprocess
import sys

import pytest

CODE = """
import resource
import torch
from vosbench.base.allocation import keep_freed_memory
def faults(times):
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.ones(2**24)  # 64 MiB
        yield resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
usual = min(faults(10))
keep_freed_memory()
print(max([*faults(20)][-10:]), usual)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the C library of GNU")
def test_large_blocks_are_not_fetched_anew():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    kept, usual = map(int, done.stdout.split())
    assert kept < 100 <= usual
