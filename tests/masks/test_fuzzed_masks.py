"""2,000 damaged PNGs: each is an error that names the file, or has a score; never a crash, a hang or much memory."""

import random
import struct
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from arrays import true_masks

from vosbench.datasets.label_pngs import LabelPng
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.metrics.evaluate import score_sequence
from vosbench.metrics.protocols import find_protocol


def peak_memory(restart=False):
    """The most memory that this process has held, in kB; from now on, if `restart`."""
    if restart:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def with_valid_checksums(png):
    """The same file with the checksum of every chunk put right, so that damage gets past the first test."""
    fixed, place = bytearray(png), 8
    while place + 12 <= len(fixed):
        end = place + 8 + int.from_bytes(fixed[place : place + 4], "big")
        if end + 4 > len(fixed):
            break
        fixed[end : end + 4] = struct.pack(">I", zlib.crc32(fixed[place + 4 : end]))
        place = end + 4
    return bytes(fixed)


def damaged(png, kind, dice):
    data = bytearray(png)
    if kind == "bits":
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    elif kind == "truncated":
        del data[dice.randrange(len(data)) :]
    elif kind == "header":
        data[16 + dice.randrange(13)] = dice.randrange(256)
    elif kind == "dimensions":
        sides = [1, 60, 80, 9_000, 30_000, 2**31 - 1]
        data[16:24] = struct.pack(">II", dice.choice(sides), dice.choice(sides))
    elif kind == "spliced":
        start = dice.randrange(8, len(data))
        data[start : start + dice.randint(1, 20)] = dice.randbytes(dice.randint(0, 20))
    return with_valid_checksums(data) if dice.random() < 0.7 else bytes(data)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize("kind", ["bits", "truncated", "header", "dimensions", "spliced"])
def test_damaged_masks(tmp_path, kind):
    labels = np.zeros((60, 80), np.uint8)
    labels[10:30, 20:50], labels[30:50, 5:60] = 1, 2
    truth, rules, victim = true_masks([labels] * 3), find_protocol("davis2017"), tmp_path / "1.png"
    write_labels(victim, labels)
    sound = victim.read_bytes()
    dice = random.Random(kind)
    refusals, slowest = [], 0.0
    before = peak_memory(restart=True)
    for _ in range(400):
        victim.write_bytes(damaged(sound, kind, dice))
        started = time.process_time()
        try:
            traces = score_sequence(truth, {"00001": LabelPng(victim)}, rules)
        except VosbenchError as error:
            refusals.append(error.message)
        else:
            assert [trace.object_id for trace in traces] == [1, 2]
            assert all(0 <= trace.j[0] <= 1 and 0 <= trace.f[0] <= 1 for trace in traces)
        slowest = max(slowest, time.process_time() - started)
    assert len(refusals) > 200
    assert all(str(victim) in message and "\n" not in message for message in refusals)
    assert slowest < 5  # seconds
    assert peak_memory() - before < 400 * 1024  # kB
