"""The long-time videos of XMem: DAVIS's rules on the few frames that are annotated."""

from dataclasses import replace

from vosbench.metrics.published.davis import DAVIS_2017

LONG_VIDEO = replace(
    DAVIS_2017,
    name="longvideo",
    source="Liang et al., NeurIPS 2020 (AFB-URR); Cheng and Schwing, ECCV 2022 (XMem)",
    dense=False,
)
