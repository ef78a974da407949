"""A run that is stopped, by an error or by the user, goes on where it was."""

import pytest

from vosbench.bench import passes
from vosbench.bench.naming import record_files
from vosbench.bench.record import read_record, read_run
from vosbench.bench.runner import run
from vosbench.errors import VosbenchError

pytestmark = pytest.mark.usefixtures("lent_pool")

ALL = ("every-k:k=2", "first-only", "copy-first-mask", "predict-nothing")


@pytest.mark.parametrize("fault", [RuntimeError("killed"), KeyboardInterrupt(), VosbenchError("broken", "mend it")])
def test_a_run_that_is_stopped_goes_on(finished_run, small_davis, small_suite, tmp_path, monkeypatch, work, fault):
    real, calls = passes.propagate_together, []

    def propagate(model, sequence, *arguments, **settings):
        calls.append(sequence.name)
        for prediction in real(model, sequence, *arguments, **settings):
            frame = prediction[0].frame_index  # who takes a prediction takes it out
            yield prediction
            if len(calls) == 4 and frame == 3:  # the first call is the warm-up
                raise fault

    monkeypatch.setattr(passes, "propagate_together", propagate)
    with pytest.raises(type(fault)):
        run(small_suite(small_davis), tmp_path / "run")
    assert calls == ["ant", "ant", "ant", "bee"]
    assert not (tmp_path / "run/records/every-k_k=2/bee.json").exists()
    finished = list(map(read_record, record_files(tmp_path / "run")))
    assert {(r.policy.spec, r.sequence) for r in finished} == {(spec, "ant") for spec in ALL}
    if isinstance(fault, Exception):  # Ctrl-C does not wait for scores
        assert len(read_run(tmp_path / "run")) == 4
    run(small_suite(small_davis), tmp_path / "run", work)
    assert work == {(spec, "bee") for spec in ALL}
    made = [(r.identity, r.masks, r.timings) for r in read_run(tmp_path / "run")]
    assert all((r.identity, r.masks, r.timings) in made for r in finished)
    assert [(r.identity, r.masks, r.scores, r.memory) for r in read_run(tmp_path / "run")] == [
        (r.identity, r.masks, r.scores, r.memory) for r in read_run(finished_run / "run")
    ]
    for path in sorted((finished_run / "run/masks").rglob("*.png")):
        again = tmp_path / "run" / path.relative_to(finished_run / "run")
        assert again.read_bytes() == path.read_bytes()
