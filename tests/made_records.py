"""Records for tests, built from the few figures that a test is about."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from vosbench.bench.plan import policy_info
from vosbench.bench.record import (
    DatasetInfo,
    Environment,
    Memory,
    ModelInfo,
    ObjectRecord,
    PolicyInfo,
    RunRecord,
    Scores,
    Settings,
    Statistics,
    Timing,
)
from vosbench.errors import VosbenchError
from vosbench.memory.spec import PolicySpec


@cache
def policy_of(spec: str) -> PolicyInfo:
    """A strategy with its parameters if it ships, or one of this name of which nothing is known."""
    try:
        return replace(policy_info(PolicySpec.parse(spec), 0), source_hash="cafe")
    except VosbenchError:
        return PolicyInfo(spec.split(":")[0], {}, spec, spec, "cafe", "strategy", 0)


def make_record(
    spec: str = "lfu",
    sequence: str = "dog",
    *,
    position: int = 0,
    j: Sequence[float] = (0.5,),
    f: Sequence[float] | None = None,
    latency_ms: Sequence[float] = (),
    end_to_end_seconds: float = 1.0,
    tokens: Sequence[int] = (),
    bytes_peak: int = 1_500_000,
) -> RunRecord:
    """A record of one object per value of `j`; it is a strategy's if it has costs, else a control's."""
    scores = zip(j, j if f is None else f, strict=True)
    objects = tuple(
        ObjectRecord(n, 3, Statistics(a, a / 2, a / 4), Statistics(b, b / 2, b / 4))
        for n, (a, b) in enumerate(scores, 1)
    )
    seconds = sum(latency_ms) / 1000
    timing = (
        Timing(
            model_seconds=seconds,
            end_to_end_seconds=end_to_end_seconds,
            stages={"encode_key": seconds / 2, "read": seconds / 4},
            latency_ms=tuple(latency_ms),
            objects=(len(objects),) * len(latency_ms),
            warmup_frames=2,
        )
        if latency_ms
        else None
    )
    control = not latency_ms and not tokens
    return RunRecord(
        identity="0123456789abcdef",
        conditions="0123456789abcdef",
        run="night",
        suite={"name": "default"},
        dataset=DatasetInfo("davis2017", "val", "all", "feedbeef"),
        sequence=sequence,
        policy=replace(policy_of(spec), position=position, **{"kind": "control"} if control else {}),
        model=ModelInfo("stcn-tiny", "1a2b3c4d5e6f", "fp32"),
        settings=Settings(top_k=20, shorter_side=480, affinity="l2"),
        environment=Environment("Some CPU", "Linux", "cpu", 2, "3.11", "2.13", "2.4", "c0ffee", False),
        scores=Scores("davis2017", objects) if objects else None,
        masks="d00dfeed",
        timings=(timing,) if timing else (),
        memory=Memory(tuple(tokens), 10, bytes_peak) if tokens else None,
    )
