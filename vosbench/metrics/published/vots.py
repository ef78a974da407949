"""VOTS: every object of the truth in every frame but the first, for its measures of how an object was lost."""

from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.base import ObjectRule

VOTS = Protocol(
    "vots",
    1,
    "Kristan et al., ICCV 2023 workshops (VOTS2023); github.com/votchallenge/toolkit",
    objects=ObjectRule(),
    skip_first=True,
)
