"""The training for a lent GPU, on a CPU: whole for any number of steps, whatever the configuration plans."""

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from vosbench.models.checkpoint import read_checkpoint
from vosbench.training.packing import pack

sys.path.insert(0, str(Path(__file__).parent))
import lent_training


@pytest.mark.parametrize(("steps", "seconds", "speed", "done"), [(2, 100, None, 2), (None, 0.5, 5.0, 2)])
def test_few_steps(tmp_path, monkeypatch, one_thread, steps, seconds, speed, done):  # noqa: ARG001
    """As many as were asked for after the speed was measured, or as a speed allows in a time."""
    for kind in ("images", "masks"):
        (tmp_path / "set" / kind).mkdir(parents=True)
        assert cv2.imwrite(str(tmp_path / "set" / kind / "a.png"), np.eye(40, dtype=np.uint8) * 255)
    pack([tmp_path / "set"], tmp_path / "data.tar.xz")
    config = tmp_path / "mini.toml"
    config.write_text("steps = 1\nsize = 32\nbatch = 1\nthreads = 1\n[[data]]\nkind = 'static'\nroot = 'set'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lent_training, "MEASURED", 2)
    given = argparse.Namespace(
        data=tmp_path / "data.tar.xz", config=config, out=tmp_path / "out", seconds=seconds, steps=steps,
        device="cpu", workers=0, size=None, batch=None,
    )  # fmt: skip
    lease = lent_training.Lease(given, tmp_path / "unpacked")
    lease.train(speed or lease.measure())
    found = json.loads((tmp_path / "out/training.json").read_text())
    assert found["steps"] == done
    assert speed or found["clips_per_second_of_data"] > 0
    assert len((tmp_path / "out/curve.csv").read_text().splitlines()) == 1 + done
    assert read_checkpoint(tmp_path / "out/weights.safetensors").config == "stcn-tiny"
