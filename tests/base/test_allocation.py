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
import sys
import torch
from vosbench.base.allocation import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
faults = []
for _ in range(20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**24)  # 64 MiB
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(max(faults[-10:]) if sys.argv[1] == "kept" else min(faults))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the C library of GNU")
def test_large_blocks_are_not_fetched_anew():
    kept, usual = (
        int(subprocess.run([sys.executable, "-c", CODE, how], capture_output=True, text=True, check=True).stdout)
        for how in ("kept", "usual")
    )
    assert kept < 100 <= usual
