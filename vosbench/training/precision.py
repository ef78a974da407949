"""In what a training computes where that is safe."""

import torch

from vosbench.models.checkpoint import check_device
from vosbench.training.config import TrainConfig


def precision_on(config: TrainConfig) -> str:
    """For people: precision depends on the device. Raises VosbenchError for a device that this machine lacks."""
    config.check_gpu()
    half = half_precision(config.precision, check_device(config.device))
    return {None: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}[half]


def half_precision(precision: str, device: torch.device) -> torch.dtype | None:
    """The type of half precision in which a device computes; None: full precision."""
    if precision == "bf16":
        return torch.bfloat16
    return torch.float16 if precision == "mixed" and device.type == "cuda" else None
