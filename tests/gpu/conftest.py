"""Scripts of the emulated GPU, each in a process of its own: torch cannot be made to forget that there is a GPU."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """emulated(script) runs a script of this folder and gives the JSON that it prints."""
    if not torch.cuda.is_available() and shutil.which("c++") is None:
        pytest.skip("needs a C++ compiler, where there is no GPU")

    env = {**os.environ, "GUARD": str(tmp_path_factory.mktemp("guard"))}

    def call(script: str) -> Any:
        path = Path(__file__).with_name(script)
        done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False, env=env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call
