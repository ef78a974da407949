"""What tests of several packages share: the development data, small networks, and data sets a run does in a second."""

import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("OMP_NUM_THREADS", "1")  # also of what tests start: there is a test at work on every core
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what they start again and again is compiled once

import numpy as np
import pytest
import torch
from layouts import frame, write_clip, write_small_davis
from loky import ProcessPoolExecutor

from vosbench.base import processes
from vosbench.bench.runner import run
from vosbench.bench.suite import Suite
from vosbench.images import write_labels
from vosbench.inference import pace
from vosbench.models.base import Network
from vosbench.models.checkpoint import Checkpoint, bundled, read_checkpoint
from vosbench.models.precision import Precision
from vosbench.models.stcn.network import STCN, STCNConfig


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--policy", action="append", help="put this strategy (a spec) through the contract tests instead")


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = Path(__file__).resolve().parents[1].parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared (development data), which is absent")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs of tests that go on at the same time do not see each other at work: their temporary files are elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("t")))
        patch.setattr(tempfile, "tempdir", None)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """The networks of the tests are too small to be shared out among cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def small_reference() -> Iterator[None]:
    """What is timed beside each frame takes longer than the frames of the tests otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(pace.SIZES, "cpu", (6, 9))
        yield


@pytest.fixture(scope="session", autouse=True)
def ready_networks() -> Iterator[None]:
    """Runs of this process share the bundled networks: to read and build one takes a third of a short run."""
    known, build = {name: read_checkpoint(name) for name in bundled()}, Checkpoint.build

    @cache
    def built(name: str, *how: str | None) -> Network:
        return build(known[name], "cpu", *how)

    def shared(
        one: Checkpoint, device: object = "cpu", affinity: str | None = None, precision: Precision = "fp32"
    ) -> Network:
        if known.get(one.name) is one and str(device) == "cpu":
            return built(one.name, affinity, precision)
        return build(one, device, affinity, precision)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vosbench.bench.plan.read_checkpoint", lambda name: known.get(name) or read_checkpoint(name))
        patch.setattr(Checkpoint, "build", shared)
        yield


@pytest.fixture(scope="session")
def golden(shared: Path) -> Mapping[str, np.ndarray]:
    """What the published STCN computes with the weights of `golden_stcn`."""
    with np.load(shared / "goldens" / "stcn_golden.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def golden_stcn(shared: Path) -> STCN:
    """STCN at full width, each tensor drawn from its name."""
    path = shared / "goldens" / "parameter_fill.py"
    spec = importlib.util.spec_from_file_location("parameter_fill", path)
    assert spec is not None
    assert spec.loader is not None
    fill = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fill)
    with torch.device("meta"):
        model = STCN()
    weights = {k: torch.from_numpy(np.asarray(fill.fill_value(k, v.shape, 0))) for k, v in model.state_dict().items()}
    model.load_state_dict(weights, assign=True)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def small_model() -> STCN:
    """STCN with a handful of channels and random weights: what it predicts means nothing, but it runs in no time."""
    torch.manual_seed(3)
    config = STCNConfig(
        key_block="basic",
        key_planes=(8, 8, 16),
        key_depths=(1, 1, 1),
        value_planes=(8, 8, 8),
        value_depths=(1, 1, 1),
        key_dim=8,
        value_dim=16,
        decoder_planes=(16, 8, 8),
        gate_reduction=4,
    )
    return STCN(config).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def small_clip() -> tuple[np.ndarray, np.ndarray]:
    """Two textured squares that drift over noise: rgb uint8 [23,40,56,3] and labels uint8 [23,40,56], ids 1 and 2."""
    rng = np.random.default_rng(5)
    ground, coats = rng.integers(0, 256, (40, 56, 3)), rng.integers(0, 256, (2, 14, 14, 3))
    rgb = np.repeat(ground[None], 23, 0).astype(np.uint8)
    labels = np.zeros(rgb.shape[:3], np.uint8)
    for t in range(len(rgb)):
        for i, (y, x) in enumerate([(3 + t // 2, 4 + t), (22 - t // 2, 36 - t)]):
            rgb[t, y : y + 14, x : x + 14] = coats[i]
            labels[t, y : y + 14, x : x + 14] = i + 1
    return rgb, labels


@pytest.fixture
def small_davis(tmp_path: Path) -> Path:
    return write_small_davis(tmp_path / "DAVIS")


@pytest.fixture
def small_youtube(tmp_path: Path) -> Path:
    """YouTube-VOS valid with the video `a1`: 20 frames of 64x48, named 00010, 00015, ...; ids 1, 3 and 7.

    They appear first at frames 0, 5 and 15. Wanted are frames 0, 2, 5, 9, 15 and 19.
    """
    root, first = tmp_path / "YouTube", {1: 0, 3: 5, 7: 15}
    wanted = {1: (0, 2, 5, 9), 3: (5, 9), 7: (15, 19)}
    names = [f"{10 + 5 * t:05d}" for t in range(20)]
    masks = root / "valid/Annotations/a1"
    write_clip(root / "valid/JPEGImages/a1", masks, names, first, 0)
    for object_id, t in first.items():
        labels = frame(t, first)[1]
        write_labels(masks / f"{names[t]}.png", np.where(labels == object_id, labels, 0))
    objects = {str(i): {"frames": [names[t] for t in frames]} for i, frames in wanted.items()}
    (root / "valid/meta.json").write_text(json.dumps({"videos": {"a1": {"objects": objects}}}))
    return root


@pytest.fixture(scope="session")
def small_suite() -> Callable[..., Suite]:
    """Two strategies and the controls on a `small_davis`: small_suite(root, **changes)."""

    def build(root: Path, **changes: object) -> Suite:
        return replace(Suite("davis2017", root, policies=("every-k:k=2", "first-only")), **changes)

    return build


@pytest.fixture(scope="session")
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, timeout=None) as pool:
        yield pool


@pytest.fixture
def lent_pool(pool: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes take a second to start: all runs share theirs."""
    lent = SimpleNamespace(submit=pool.submit, shutdown=lambda **_: None)
    monkeypatch.setattr(processes, "start", lambda *_: lent)


class Work(set[tuple[str, str]]):
    """A progress callback that notes every (strategy, sequence) that was done to its end."""

    def __call__(self, strategy: str, sequence: str, frame: int, frames: int) -> None:
        if frame == frames:
            self.add((strategy, sequence))


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, small_suite: Callable[..., Suite]) -> Path:
    """A folder with `DAVIS`, a small DAVIS, and `run`, the finished run of the small suite on it; to be copied."""
    folder = tmp_path_factory.mktemp("finished")
    run(small_suite(write_small_davis(folder / "DAVIS")), folder / "run")
    return folder


@pytest.fixture
def finished(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run to tamper with: the folders `DAVIS` and `run`."""
    return shutil.copytree(finished_run, tmp_path / "copy")
