"""The optimiser of a training and its learning rate over time."""

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, OneCycleLR

from vosbench.training.config import TrainConfig


def build_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam (its weight decay is an L2 term of the gradient) or AdamW (decoupled from it)."""
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer]
    return kind(
        model.parameters(),
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        weight_decay=config.weight_decay,
    )


def build_schedule(optimizer: torch.optim.Optimizer, config: TrainConfig) -> LRScheduler:
    """One cycle (in which beta1 moves between 0.85 and 0.95, as in Smith 2018), or one step down."""
    if config.schedule == "one-cycle":
        return OneCycleLR(optimizer, config.learning_rate, total_steps=config.steps, pct_start=config.warmup)
    return MultiStepLR(optimizer, [round(config.decay_at * config.steps)], config.decay)
