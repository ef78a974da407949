from collections.abc import Callable
from dataclasses import replace

import pytest

from vosbench.bench.record import Failure, RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.context import by_strategy, context, restrict
from vosbench.report.measures import measures

Run = tuple[RunRecord, ...]


def fail(record: RunRecord, cause: str) -> RunRecord:
    failure = Failure("a fault", 0, 0, cause=cause)
    return replace(record, masks=None, scores=None, timings=(), memory=None, failure=failure)


def test_caption_says_the_conditions(run: Run) -> None:
    assert context(run).caption == (
        "davis2017 val, frames all; protocol davis2017; 2 sequences, 3 objects; "
        "stcn-tiny (1a2b3c4d), fp32, l2 affinity, top-20, shorter side 480; cpu (Some CPU, 2 threads)."
    )


def test_caption_names_a_list_of_ones_own(run: Run) -> None:
    def caption(**of_dataset: int) -> str:
        return context([replace(r, dataset=replace(r.dataset, **of_dataset)) for r in run]).caption  # type: ignore[arg-type]

    named = "; 2 sequences, 3 objects; not the published val of 30 sequences but cat, dog; stcn-tiny"
    assert named in caption(sequences=2, in_split=2)
    assert named in caption(sequences=2)
    assert "not the published" not in caption(sequences=2, in_split=30)


def test_a_data_set_with_one_kind_of_frames_has_no_word_for_it(run: Run) -> None:
    plain = tuple(replace(record, dataset=replace(record.dataset, frame_mode="")) for record in run)
    assert context(plain).caption.startswith("davis2017 val; protocol davis2017; ")
    with pytest.raises(
        VosbenchError, match="data sets cannot share a table: davis2017 val, version feedbeef and davis201"
    ):
        context((plain[0], *run[1:]))


def test_caption_shouts_partial_and_names_every_device(run: Run) -> None:
    first = run[0]
    gpu = replace(first.environment, device="Big GPU", threads=1)
    changed = (replace(first, partial=True, environment=gpu), *run[1:])
    caption = context(changed).caption
    assert "protocol davis2017, PARTIAL (sequences were left out); 2 sequences" in caption
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
        (
            lambda r: replace(r, settings=replace(r.settings, top_k=None)),
            "settings cannot share a table: top-k 20 and None",
        ),
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


def test_what_a_run_lacks_is_told_and_the_rest_stands_side_by_side(run: Run) -> None:
    assert (context(run).partial, context(run).lacks) == (False, ())
    unfinished = run[:-1]  # the control has no record of dog
    assert context(unfinished).lacks == ("1 of 2 sequences are done",)
    assert (context(unfinished).sequences, context(unfinished).objects) == (1, 1)
    assert [[r.sequence for r in group] for group in by_strategy(unfinished).values()] == [["cat"]] * 3
    asked = [replace(r, dataset=replace(r.dataset, sequences=5), suite={"policies": ["lfu", "lru"]}) for r in run]
    assert context(asked).lacks == ("2 of 5 sequences are done", "not run yet: lru")
    later = [*run[:-1], replace(run[-1], suite={"policies": ["lru"]})]  # another suite, that was stopped
    assert context(later).lacks == ("not run yet: lru",)
    assert context(restrict(asked, ["fifo"])).lacks == ("2 of 5 sequences are done",)
    faulty = [fail(r, "sequence") if r.sequence == "dog" else r for r in run]
    assert context(faulty).lacks == ("faulty: dog",)
    assert "PARTIAL (faulty: dog); 1 sequence, 1 object;" in context(faulty).caption
    assert measures(by_strategy(faulty)["lfu"]) == measures([run[0]])
    stopped = [replace(r, dataset=replace(r.dataset, sequences=5)) for r in faulty]
    assert context(stopped).lacks == ("1 of 5 sequences are done", "faulty: dog")
    failed = [fail(run[0], "strategy"), *run[1:]]
    assert context(failed).lacks == ("failed: lfu",)
    unscored = [replace(r, scores=None, unscored="no mask") if r.sequence == "dog" else r for r in run]
    assert context(unscored).lacks == ("not scored: dog",)
    assert (context(unscored).protocol, context(unscored).sequences, context(unscored).objects) == ("davis2017", 2, 1)
    found = measures(by_strategy(unscored)["lfu"])
    assert found["jf"] == measures(run[:1])["jf"] != measures(run[:2])["jf"]
    assert found["model_fps"] == measures(run[:2])["model_fps"] != measures(run[:1])["model_fps"]
    one_unscored = [*run[:-1], replace(run[-1], scores=None, unscored="no mask")]
    assert context(one_unscored).objects == context(unscored).objects == 1


def test_a_run_without_any_scores_says_why_and_is_whole(run: Run) -> None:
    records = [replace(r, scores=None, unscored=f"{r.sequence} has one mask") for r in run if r.timings]
    assert not context(records).partial
    assert "; not scored (cat has one mask and 1 more); 2 sequences; " in context(records).caption


def test_nothing_to_report_is_an_error(run: Run) -> None:
    with pytest.raises(VosbenchError, match=r"no sequence has a result of every strategy: 0 of 2 sequences are done"):
        context([run[0], run[3]])
    with pytest.raises(VosbenchError, match=r"no sequence has a result of every strategy: faulty: cat, dog"):
        context([fail(r, "sequence") for r in run])
    with pytest.raises(VosbenchError, match="no records"):
        context(())
