"""What torch lacks to switch to a CUDA device where there is none, compiled where there is a compiler."""

import ctypes
import functools
import os
import subprocess
import tempfile
from pathlib import Path

import torch


@functools.cache
def load_guard(compiler: str = "c++") -> None:
    """Without a GPU nothing can switch to a CUDA device: compile and load what does nothing. It lies in the folder
    GUARD, where it is compiled once for all scripts, or in a new one.
    """
    if torch.cuda.is_available():
        return
    from torch.utils.cpp_extension import include_paths, library_paths

    built = Path(os.environ.get("GUARD") or tempfile.mkdtemp()) / "guard.so"
    if built.exists():
        ctypes.CDLL(str(built))
        return
    flags = [f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)}"]
    flags += [*(f"-I{path}" for path in include_paths()), *(f"-L{path}" for path in library_paths()), "-lc10"]
    source = Path(__file__).with_suffix(".cpp")
    command = [compiler, "-shared", "-fPIC", "-std=c++20", str(source), "-o", str(built), *flags]
    subprocess.run(command, check=True)
    ctypes.CDLL(str(built))
