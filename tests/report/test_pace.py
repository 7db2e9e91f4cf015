import pytest

from paretune.report import quantisation
from paretune.report.charts import charts, to_svg
from paretune.report.charts._stages import stages
from paretune.report.html import page
from paretune.report.pace import alike, pace
from tests.report.sample import sample


@pytest.fixture
def loaded():
    """The sample, raced for throughput; the chosen variant serves 8 samples a call."""
    result = sample()

    def served(record):
        if record.latency_ms is None:
            return record
        rate = 1000 / record.latency_ms.p50
        batch = 8 if record.id == result.chosen else 1
        return record.model_copy(
            update={
                "batch": batch,
                "throughput_per_s": rate * batch,
                "throughput_ci95": (0.9 * rate * batch, 1.1 * rate * batch),
            }
        )

    variants = tuple(map(served, result.variants))
    return result.model_copy(
        update={"objective": "throughput", "variants": variants, "frontier": ()}
    )


def test_a_sample_takes_what_the_rate_leaves_it(loaded):
    chosen = loaded.variant(loaded.chosen)
    time = pace(chosen, "throughput")
    assert time.value == pytest.approx(1000 / chosen.throughput_per_s)
    assert time.ci95[0] < time.value < time.ci95[1]
    assert pace(chosen, "cost") == time
    assert pace(chosen, "latency").value == chosen.latency_ms.p50
    assert pace(chosen.model_copy(update={"throughput_ci95": None}), "throughput") is None
    assert pace(chosen.model_copy(update={"latency_ms": None}), "size") is None


def test_calls_of_other_batches_are_not_compared_but_samples_are(loaded):
    chosen, baseline = loaded.variant(loaded.chosen), loaded.variant(loaded.baseline)
    assert alike(chosen, baseline, "throughput")
    assert not alike(chosen, baseline, "latency")


def test_pictures_and_stages_follow_the_objective(loaded):
    assert dict(stages(loaded))["quantised"].id == loaded.chosen
    drawn = charts(loaded)
    for name in ("frontier", "stages", "sizes"):
        assert "milliseconds a sample, all streams busy" in to_svg(drawn[name])
    assert "latency, milliseconds a call" in to_svg(charts(sample())["frontier"])
    found = {(e.runtime, e.recipe): e for e in quantisation.effects(loaded)}
    assert found["openvino", "full"].ratio.value == pytest.approx(8 * 5.52 / 2.60)
    assert "all streams busy, milliseconds a sample" in page(loaded)
    assert "on the same batch, milliseconds a call" in page(sample())


def test_a_faster_way_to_run_that_breaks_a_bound_does_not_stand_for_its_recipe(loaded):
    chosen = loaded.variant(loaded.chosen)
    rate = 2 * chosen.throughput_per_s
    broken = chosen.model_copy(
        update={
            "id": "larger",
            "batch": 16,
            "status": "rejected",
            "throughput_per_s": rate,
            "throughput_ci95": (0.9 * rate, 1.1 * rate),
        }
    )
    more = loaded.model_copy(update={"variants": (*loaded.variants, broken)})
    assert quantisation.effects(more) == quantisation.effects(loaded)
