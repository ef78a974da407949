from collections.abc import Callable
from dataclasses import replace

import pytest

from vosbench.bench.record import RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.context import context

Run = tuple[RunRecord, ...]


def test_caption_says_the_conditions(run: Run) -> None:
    assert context(run).caption == (
        "davis2017 val, frames all; protocol davis2017; 2 sequences, 3 objects; "
        "stcn-tiny (1a2b3c4d), fp32, l2 affinity, top-20, shorter side 480; cpu (Some CPU, 2 threads)."
    )


def test_a_data_set_with_one_kind_of_frames_has_no_word_for_it(run: Run) -> None:
    plain = tuple(replace(record, dataset=replace(record.dataset, frame_mode="")) for record in run)
    assert context(plain).caption.startswith("davis2017 val; protocol davis2017; ")
    with pytest.raises(
        VosbenchError, match="data sets cannot share a table: davis2017 val, version feedbeef and davis201"
    ):
        context((plain[0], *run[1:]))


def test_caption_shouts_partial_and_names_every_device(run: Run) -> None:
    first = run[0]
    assert first.scores
    gpu = replace(first.environment, device="Big GPU", threads=1)
    changed = (replace(first, scores=replace(first.scores, partial=True), environment=gpu), *run[1:])
    caption = context(changed).caption
    assert "PARTIAL" in caption
    assert "Big GPU (Some CPU, 1 thread); cpu (Some CPU, 2 threads)." in caption


def test_unscored_run_says_so(build: Callable[..., RunRecord]) -> None:
    assert "; not scored; 1 sequence; " in context([build(j=[], latency_ms=[1.0], tokens=[1])]).caption


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: replace(r, dataset=replace(r.dataset, frame_mode="6fps")), "data sets .* frames all.* frames 6fps"),
        (lambda r: replace(r, dataset=replace(r.dataset, fingerprint="00")), "data sets .*feedbeef.*00"),
        (lambda r: replace(r, scores=replace(r.scores, protocol="lvos")), "protocols .* davis2017 and lvos"),
        (lambda r: replace(r, scores=None), "protocols .* davis2017 and not scored"),
        (lambda r: replace(r, model=replace(r.model, precision="fp16")), "models .* fp32 and .* fp16"),
        (lambda r: replace(r, settings=replace(r.settings, top_k=None)), "settings .*top_k=20.*top_k=None"),
        (lambda r: replace(r, sequence="cat"), "copy-first-mask has more than one record of sequence cat"),
        (
            lambda r: replace(r, scores=replace(r.scores, objects=r.scores.objects[:1])),
            r"same objects of sequence dog: \[1, 2\] and, by copy-first-mask, \[1\]",
        ),
    ],
)
def test_what_cannot_share_a_table_is_refused(run: Run, change: Callable[[RunRecord], RunRecord], message: str) -> None:
    context(run)
    with pytest.raises(VosbenchError, match=message):
        context((*run[:-1], change(run[-1])))


def test_unfinished_run_is_refused(run: Run) -> None:
    with pytest.raises(VosbenchError, match="copy-first-mask has no record of 1 sequence that others have: dog"):
        context(run[:-1])
    with pytest.raises(VosbenchError, match="no records"):
        context(())
