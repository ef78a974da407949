"""VISOR: DAVIS's rules, but that the last frame counts, on the frames that are annotated."""

from dataclasses import replace

from vosbench.metrics.published.davis import DAVIS_2017

VISOR = replace(
    DAVIS_2017,
    name="visor",
    source="Darkhalil et al., NeurIPS 2022; github.com/epic-kitchens/VISOR-VOS",
    skip_last=False,
    dense=False,
)
VISOR_OFFICIAL = replace(VISOR, name="visor-official", official_decay=True)
