"""Tiny data to train on, and a network of a handful of channels by the name `small`."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from layouts import write_small_davis

from vosbench.models.stcn.network import CONFIGS, STCN
from vosbench.training.config import GeneratedData, StaticData, TrainConfig, ValidationConfig, VideoData


@pytest.fixture(scope="session")
def small_network(small_model: STCN) -> Iterator[str]:
    """Makes the configuration of `small_model` known as `small`."""
    CONFIGS["small"] = small_model.config
    yield "small"
    del CONFIGS["small"]


def _write_pair(root: Path, name: str, mask: np.ndarray, size: tuple[int, int] = (40, 56)) -> None:
    """A noisy picture, whose object is green, and its mask."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(len(name)).integers(0, 60, (*size, 3)).astype(np.uint8)
    if mask.shape == size:
        image[mask > 127] = (0, 200, 0)
    assert cv2.imwrite(str(root / "images" / f"{name}.png"), image)
    assert cv2.imwrite(str(root / "masks" / f"{name}.png"), mask)


def _square(value: int = 255) -> np.ndarray:
    """A mask, uint8 [40,56], of a 20x20 square."""
    mask = np.zeros((40, 56), np.uint8)
    mask[10:30, 18:38] = value
    return mask


@pytest.fixture(scope="session")
def write_pair() -> Callable[..., None]:
    return _write_pair


@pytest.fixture(scope="session")
def square() -> Callable[..., np.ndarray]:
    return _square


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three image/mask pairs, 56x40."""
    root = tmp_path_factory.mktemp("pairs")
    for name in ("a", "bb", "ccc"):
        _write_pair(root, name, _square())
    return root


@pytest.fixture(scope="session")
def small_config(small_network: str) -> TrainConfig:
    """Four steps of the small network, 32x32."""
    return TrainConfig(
        model=small_network,
        size=32,
        batch=2,
        steps=4,
        bootstrap_start=1,
        bootstrap_end=3,
        workers=0,
        threads=1,
        checkpoint_every=2,
        log_every=1,
    )


@pytest.fixture(scope="session")
def everything(small_config, pairs, tmp_path_factory) -> TrainConfig:
    """All that can be random or have a state: three kinds of data, dropout, reallocation, validation."""
    davis = write_small_davis(tmp_path_factory.mktemp("everything") / "DAVIS")
    return replace(
        small_config,
        steps=5,
        data=(
            GeneratedData(clips=2),
            StaticData(str(pairs)),
            VideoData("davis2017", str(davis), split="val", repeat=2),
        ),
        optimizer="adam",
        schedule="step",
        learning_rate=1e-3,
        gradient_norm=0.0,
        affinity_dropout=0.5,
        reallocation="printed",
        validation=ValidationConfig("davis2017", str(davis), limit=1, every=2),
    )
