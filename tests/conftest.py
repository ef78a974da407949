import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from vosbench.models.stcn import STCN, STCNConfig


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--policy", action="append", help="put this strategy (a spec) through the contract tests instead")


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = Path(__file__).resolve().parents[1].parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared (development data), which is absent")
    return folder


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """The networks of the tests are too small to be shared out among cores."""
    torch.set_num_threads(1)


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
