"""What the page and the table say of a search."""

import pytest

from paretune.artifact import headline
from paretune.core import Change, Estimate, Ranked, SearchPoint, SearchSummary
from paretune.report import html, tables
from paretune.report.charts import charts
from paretune.report.charts._stages import stages
from paretune.report.quantisation import effects
from tests.report.sample import NET, sample


@pytest.fixture(scope="module")
def result():
    plain = sample()
    chosen = plain.variant(plain.chosen)
    faster = chosen.latency_ms.model_copy(update={"p50": 1.41, "ci95": (1.40, 1.42)})
    found = chosen.model_copy(
        update={"id": f"{NET}+s1/int8", "architecture": f"{NET}+s1", "latency_ms": faster}
    )
    point = SearchPoint(
        architecture=f"{NET}+s1",
        predicted_speed=1.9,
        measured_speed=1.84,
        speed_ci95=(1.80, 1.88),
        predicted_loss=0.031,
        loss_ci90=(0.02, 0.05),
        score=0.8951,
        changes=(
            Change(blocks=("layer1.0", "layer1.1", "layer1.2"), operator="basic",
                   words="one basic block (width 2)", saves=0.21, kl=0.0123),
            Change(blocks=("layer2.0",), operator="skip", words="skipped <b>", saves=0.04),
        ),
    )  # fmt: skip
    other = point.model_copy(
        update={"architecture": f"{NET}+s2", "score": None, "measured_speed": 1.5}
    )
    return plain.model_copy(
        update={
            "variants": (*plain.variants, found),
            "chosen": found.id,
            "best_compiled_baseline": chosen.id,
            "ratios": plain.ratios.model_copy(
                update={
                    "latency_vs_best_compiled_baseline": Estimate(value=1.84, ci95=(1.8, 1.88))
                }
            ),
            "search": SearchSummary(
                blocks=29, architectures=8.2e35, options=805, worth=400, judged=90, trained=40,
                networks=61, latency_error=0.023, scored=80, points=(point, other),
                ranked=Ranked(surrogate=0.93, additive=0.8, macs=None, covered=0.91),
            ),
        }
    )  # fmt: skip


def test_the_answer_says_what_the_search_alone_has_won(result):
    said = tables.summary(result)
    assert said[1] == (
        "The search: 1.84x (1.80 to 1.88) as fast as the best compiled baseline "
        f"({headline.describe(result.variant(result.best_compiled_baseline))})."
    )


def test_what_the_search_has_won_is_not_credited_to_quantisation(result):
    plain = sample()
    assert effects(result) == effects(plain)
    by_stage = {name: record.id for name, record in stages(result)}
    assert by_stage.pop("searched") == result.chosen
    assert by_stage == {name: record.id for name, record in stages(plain)}
    assert list(dict(stages(result)))[-1] == "searched"


def test_a_search_that_found_nothing_says_so(result):
    kept = result.model_copy(update={"chosen": result.best_compiled_baseline})
    assert "found nothing that beats the best compiled baseline" in tables.summary(kept)[1]


def test_no_search_no_word_of_it():
    assert headline.search(sample()) is None
    page = html.page(sample())
    assert "What the blocks became" not in page
    assert "search" not in charts(sample())


def test_the_page_tells_what_became_of_the_blocks(result):
    page = html.page(result)
    assert "layer1.0, layer1.1 and 1 more" in page
    assert "one basic block (width 2)" in page
    assert "21.0%" in page
    assert "skipped &lt;b&gt;" in page  # what a model calls its parts is only text
    assert "8.2e+35" in page
    assert "61, mean error 2.3% (leaving one out)" in page


def test_what_was_chosen_is_named_wherever_it_stands(result):
    page = html.page(result)
    chosen = f"{NET}+s1: {headline.describe(result.variant(result.chosen))}"
    assert f"Chosen: <b>{chosen}" in page
    assert f"Chosen: {chosen}" in "\n".join(tables.summary(result))
    assert f'<small>{NET}+s1</small></td><td class="n">' in page
    assert f'<tr class="chosen"><td class="nw">{NET}+s1</td>' in page
    assert f'<tr class=""><td class="nw">{NET}+s2</td>' in page
    own = headline.describe(result.variant(result.best_compiled_baseline))
    assert f"{NET}: {own}" not in page  # the user's own needs no name


def test_how_well_losses_were_ranked_is_told_beside_simpler_ways(result):
    page = html.page(result)
    ranks = "rank correlation 0.93, of single options added up 0.80, 91% inside"
    assert ranks in page


def test_predicted_stands_beside_measured(result):
    page = html.page(result)
    assert "1.90x" in page
    assert "1.84x" in page
    assert "0.0200 to 0.0500" in page or "0.02 to 0.05" in page


def test_the_chart_has_a_mark_for_every_timed_architecture(result):
    drawn = charts(result)["search"].to_dict()
    texts = str(drawn)
    assert "s1" in texts
    assert "s2" in texts
    assert "1.84x measured" in texts


def test_the_chart_draws_what_was_predicted_and_how_sure_the_measurement_is(result):
    drawn = charts(result)["search"].to_dict()
    rows = [row for values in drawn["datasets"].values() for row in values]
    own = [(r["kind"], r["speed"], r["slowest"], r["fastest"]) for r in rows if r["name"] == "s1"]
    assert ("predicted speed", 1.9, 1.8, 1.88) in own
    assert ("measured speed", 1.84, 1.8, 1.88) in own


def test_where_divergence_was_judged_by_it_is_what_is_told(result):
    points = tuple(p.model_copy(update={"score": -0.0153}) for p in result.search.points)
    summary = result.search.model_copy(update={"points": points, "judged_by": "divergence"})
    page = html.page(result.model_copy(update={"search": summary}))
    assert "divergence from the baseline, nats<br>after training" in page
    assert "0.0153" in page


def test_outputs_that_are_no_scores_have_no_nats(result):
    def bare(score):
        return score.model_copy(update={"kl": None})

    held = result.holdout.model_copy(
        update={"baseline": bare(result.holdout.baseline), "chosen": bare(result.holdout.chosen)}
    )
    other = result.model_copy(update={"holdout": held})
    assert "divergence alone,<br>nats" in html.page(result)
    assert "divergence alone,<br>squared error / variance" in html.page(other)
    assert "predicted divergence, squared error" in str(charts(other)["search"].to_dict())


def test_another_program_of_the_users_own_architecture_is_no_find(result):
    best = result.variant(result.best_compiled_baseline)
    rival = best.model_copy(update={"id": f"{best.id}-rival"})
    other = result.model_copy(update={"variants": (*result.variants, rival), "chosen": rival.id})
    assert "found nothing that beats the best compiled baseline" in headline.search(other)
