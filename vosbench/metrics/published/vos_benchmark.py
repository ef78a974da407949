"""The public package vos-benchmark: every object from its first sight on."""

from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.seen import Seen

VOS_BENCHMARK = Protocol(
    "vos-benchmark", 1, "github.com/hkchengrex/vos-benchmark", objects=Seen(), skip_first=True, skip_last=True
)
