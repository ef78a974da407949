"""What determines a result, as hashes; and what it ran on, as facts."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from vosbench.base.hashing import PACKAGE
from vosbench.bench.record import Environment


def digest(facts: Mapping[str, Any]) -> str:
    """A hash of plain values (BLAKE2b, 32 hex digits); the order of keys does not matter."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def library_versions() -> tuple[str, ...]:
    """The versions of the libraries that compute masks and scores."""
    return tuple(f"{library.__name__} {library.__version__}" for library in (torch, np, cv2))


def environment(device: torch.device) -> Environment:
    """The machine, the device and the versions that this process runs on."""
    commit = _git("rev-parse", "HEAD")
    status = _git("status", "--porcelain", "--untracked-files=no")
    return Environment(
        machine=_processor(),
        platform=platform.platform(terse=True),
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        threads=torch.get_num_threads(),
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        commit=commit or None,
        dirty=None if status is None else bool(status),
    )


def _git(*command: str) -> str | None:
    """What git says of the checkout that vosbench runs from; None where it is no checkout."""
    if not (PACKAGE.parent / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", *command], cwd=PACKAGE, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
