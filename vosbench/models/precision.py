"""In what a network computes. Keys and their similarity, softmax, aggregation and what follows are always float32."""

from typing import Literal, get_args

import torch

from vosbench.errors import VosbenchError

Precision = Literal["fp32", "tf32", "bf16", "fp16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


def require(precision: Precision, device: torch.device) -> None:
    """Raise VosbenchError if the device does not compute in that precision."""
    if device.type == "cpu":
        if precision in ("tf32", "fp16"):
            raise VosbenchError(
                f"a CPU does not compute in {precision}", "give --precision fp32 or bf16, or --device cuda"
            )
    elif precision in ("tf32", "bf16") and torch.cuda.get_device_capability(device)[0] < 8:
        name = torch.cuda.get_device_name(device)
        raise VosbenchError(f"{name} does not compute in {precision}", "give --precision fp32 or fp16")


def allow_tf32(precision: Precision) -> None:
    """Whether convolutions of this process round to ten bits on a GPU; products of matrices, which compare keys, never
    do.
    """
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = False
