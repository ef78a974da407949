"""On what a training computes, and in what where that is safe."""

import torch

from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import check_device
from vosbench.training.config import TrainConfig


def check_gpu(config: TrainConfig) -> None:
    """Refuse a training that only a GPU ends where there is none; of a smaller one a CPU is a way out."""
    if config.device.startswith("cuda") and not torch.cuda.is_available() and config.steps * config.batch > 10**6:
        raise VosbenchError(
            f"device {config.device} was asked for, but this machine (or this build of torch) has no GPU",
            f"train where there is one: on a CPU {config.steps:,} steps of {config.batch} clips of "
            f"{config.size}x{config.size} pixels would take weeks; a smaller training is stcn-tiny",
        )


def precision_on(config: TrainConfig) -> str:
    """For people: precision depends on the device. Raises VosbenchError for a device that this machine lacks."""
    check_gpu(config)
    half = half_precision(config.precision, check_device(config.device))
    return {None: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}[half]


def half_precision(precision: str, device: torch.device) -> torch.dtype | None:
    """The type of half precision in which a device computes; None: full precision."""
    if precision == "bf16":
        return torch.bfloat16
    return torch.float16 if precision == "mixed" and device.type == "cuda" else None
