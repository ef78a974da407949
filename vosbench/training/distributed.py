"""One process of a training, perhaps one of several that `torchrun` has started."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import check_device

PATIENCE = timedelta(hours=4)  # the others wait while the first validates


@dataclass(frozen=True)
class Process:
    """This process: its rank among `count`, and its device."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether it is the one that writes and reports."""
        return self.rank == 0

    def share_of(self, batch: int) -> int:
        """The clips of a batch that fall to each process. Raises VosbenchError if that is not even."""
        if batch % self.count:
            told = f"a batch of {batch} clips cannot be shared out evenly among {self.count} processes"
            raise VosbenchError(told, "make batch in the TOML file a multiple of torchrun's --nproc-per-node")
        return batch // self.count

    def parallel(self, module: nn.Module) -> nn.Module:
        """The module such that its gradients become the mean over all processes."""
        if self.count == 1:
            return module
        return DistributedDataParallel(module, device_ids=[self.device] if self.device.type == "cuda" else None)

    def of_first(self, value: float) -> float:
        """The first process's value, for which the others wait."""
        if self.count == 1:
            return value
        told = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.broadcast(told, 0)
        return told.item()

    def mean(self, values: Tensor) -> Tensor:
        """The mean of a tensor over all processes."""
        if self.count > 1:
            dist.all_reduce(values)
        return values / self.count


@contextmanager
def joined(device: str) -> Iterator[Process]:
    """This process as `torchrun` describes it in the environment, or else a single one.

    Processes talk through NCCL on GPUs, one each, and Gloo on CPUs. Raises VosbenchError for a device that is not
    there.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Process(check_device(device))
        return
    is_gpu = torch.device(device).type == "cuda"
    own = check_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if is_gpu else device)
    dist.init_process_group("nccl" if is_gpu else "gloo", timeout=PATIENCE)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Grad strides do not match")  # of 1x1 convolutions: either order is right
            yield Process(own, dist.get_rank(), count)
    finally:
        dist.destroy_process_group()
