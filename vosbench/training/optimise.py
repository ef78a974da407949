"""The optimiser of a training and its learning rate over time."""

import torch
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, OneCycleLR

from vosbench.models.stcn.network import STCN
from vosbench.training.config import TrainConfig


def build_optimizer(model: STCN, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam (weight decay is an L2 term) or AdamW (decoupled), with a learning rate of its own for the key encoder."""
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer]
    encoder = list(model.key_encoder.parameters())
    apart = {id(parameter) for parameter in encoder}
    others = [parameter for parameter in model.parameters() if id(parameter) not in apart]
    rate = config.learning_rate
    groups = [{"params": encoder, "lr": rate * config.key_encoder_rate}, {"params": others, "lr": rate}]
    return kind(groups, betas=(config.beta1, config.beta2), weight_decay=config.weight_decay)


def build_schedule(optimizer: torch.optim.Optimizer, config: TrainConfig) -> LRScheduler:
    """One cycle (in which beta1 moves between 0.85 and 0.95, as in Smith 2018), or one step down."""
    if config.schedule == "one-cycle":
        highest = [group["lr"] for group in optimizer.param_groups]
        alone = config.warmup * config.steps == 1  # step that rises: torch would divide by the length of its phase, 0
        share = config.warmup * (1 + 1e-6) if alone else config.warmup
        return OneCycleLR(optimizer, highest, total_steps=config.steps, pct_start=share)
    return MultiStepLR(optimizer, [round(config.decay_at * config.steps)], config.decay)
