"""What determines a result, as hashes; and what it ran on, as facts."""

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from vosbench.base.hashing import PACKAGE
from vosbench.base.jpeg import simplejpeg
from vosbench.base.sources import source_of
from vosbench.bench.record import Environment
from vosbench.video import MaskSource


def facts(value: Any, without: frozenset[str] = frozenset()) -> Any:
    """A value as plain ones: of a dataclass its class and all fields but those in `without`, of masks how they are
    read, of a class its name and the source of one from outside vosbench, of a path the name of the file, whose place
    and content are not told, and of an array a hash. Raises TypeError for what cannot be told.
    """
    if isinstance(value, type):
        return f"{value.__qualname__} {source_of(value)}"
    if isinstance(value, MaskSource):
        return [facts(value.reader), value.reading()]
    if is_dataclass(value):
        told = {f.name: facts(getattr(value, f.name)) for f in fields(value) if f.name not in without}
        return {"class": facts(type(value))} | told
    if isinstance(value, Mapping):
        return {str(key): facts(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [facts(one) for one in value]
    if isinstance(value, np.ndarray):
        return [value.dtype.str, value.shape, hashlib.blake2b(np.ascontiguousarray(value).data).hexdigest()]
    if isinstance(value, Path):
        return value.name
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} cannot be part of what determines a result")


def library_versions() -> tuple[str, ...]:
    """The versions of the libraries that compute masks and scores."""
    return tuple(f"{library.__name__} {library.__version__}" for library in (torch, np, cv2, simplejpeg) if library)


def environment(device: torch.device, threads: int | None = None) -> Environment:
    """The machine, the device and the versions that this process runs on, with so many threads (None: torch's own)."""
    commit = _git("rev-parse", "HEAD")
    status = _git("status", "--porcelain", "--untracked-files=no")
    return Environment(
        machine=_processor(),
        platform=platform.platform(terse=True),
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        threads=threads or torch.get_num_threads(),
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
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
