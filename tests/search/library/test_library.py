"""A library is trained by real processes: they die, diverge and run out of memory here."""

import itertools
import math

import numpy as np
import pytest
import torch

from paretune.core import InputError
from paretune.search.divergence import divergence
from paretune.search.ledger import Ledger
from paretune.search.space import KEEP
from paretune.search.steps import score_compositions
from paretune.store import Store
from tests.search.library.asking import OPTIONS, Heard, train
from tests.search.library.conftest import Watched


@pytest.fixture(scope="module")
def trained(tiny, proposals, splits, tmp_path_factory):
    ledger, heard = Ledger(), Heard()
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('store')}/s.sqlite") as store:
        library = train(tiny, proposals, splits, store, ledger=ledger, progress=heard)
        yield library, store, ledger, heard


def test_candidates_learn_to_copy(trained):
    library, *_ = trained
    assert set(library.entries) == set(OPTIONS)
    for name in ("b1:basic(width=0.5)", "b1-3:basic(width=1)", "b5:basic(width=0.5)"):
        entry = library.entries[name]
        assert entry.status == "trained"
        assert entry.steps == 80  # of both rounds
        assert entry.improved
        assert entry.error_after < entry.error_before
        assert entry.kl > 0
        assert entry.flops > 0
        assert entry.weights.is_file()


def test_what_has_no_weights_is_judged_as_it_is(trained):
    skipped = trained[0].entries["b1:skip"]
    assert (skipped.status, skipped.steps) == ("inherited", 0)
    assert skipped.error_after == skipped.error_before > 0
    assert skipped.kl > 0


def test_failures_are_recorded_and_the_rest_goes_on(trained):
    entries = trained[0].entries
    assert entries["b2:faulty(how=dies-once)"].status == "trained"
    assert entries["b2:faulty(how=dies)"].status == "failed"
    assert "killed" in entries["b2:faulty(how=dies)"].reason
    assert [name for name, entry in entries.items() if entry.died] == ["b2:faulty(how=dies)"]
    assert entries["b3:faulty(how=unsound)"].status == "failed"
    assert "inherited" in entries["b3:faulty(how=unsound)"].reason
    assert entries["b3:faulty(how=hungry)"].status == "trained"


def test_what_diverges_in_training_stands_with_the_weights_that_it_inherited(trained, proposals):
    library, *_ = trained
    entry = library.entries["b3:faulty(how=diverges)"]
    assert (entry.status, entry.reason) == ("inherited", "")
    assert entry.steps == 2  # one in either round
    assert entry.flops > 0
    assert entry.error_after == entry.error_before > 0
    assert entry.kl > 0
    space = proposals.space
    option = space.options[space.index[entry.option]]
    fresh, kept = proposals.build(option, seed=3).state_dict(), library.piece(option).state_dict()
    assert all(torch.equal(kept[name], x) for name, x in fresh.items())


def test_swap_one_and_usable_follow_the_space(trained, proposals):
    library, *_ = trained
    kl, usable = library.swap_one(), library.usable()
    for place, option in enumerate(proposals.space.options):
        if option.operator == KEEP:
            assert (kl[place], usable[place]) == (0, True)
        elif option.id not in OPTIONS or library.entries[option.id].status == "failed":
            assert math.isnan(kl[place])
            assert not usable[place]
        else:
            assert usable[place]


def test_swap_one_is_the_divergence_of_the_composed_network(trained, proposals, splits):
    library, *_ = trained
    space = proposals.space
    order = library._work.held.order
    x = torch.from_numpy(splits[1].feeds(0, splits[1].n)["x"][order])
    for name in ("b1-3:basic(width=1)", "b5:basic(width=0.5)"):
        network = library.network(space.with_option(space.baseline(), space.index[name]))
        with torch.no_grad():
            kl = float(divergence(network(x), proposals.module(x)))
        # Replayed activations are rounded to bfloat16.
        assert library.entries[name].kl == pytest.approx(kl, rel=0.05, abs=1e-4)


def test_the_baseline_scores_no_divergence_and_others_what_they_do(trained, proposals, splits):
    library, *_ = trained
    space = proposals.space
    both = space.with_option(space.baseline(), space.index["b1-3:basic(width=1)"])
    both = space.with_option(both, space.index["b5:basic(width=0.5)"])
    found = library.score_untrained(np.stack([space.baseline(), both]), settle=False)
    assert found.kl[0] == pytest.approx(0, abs=1e-6)
    assert found.kl[1] > 0
    x = torch.from_numpy(splits[1].feeds(0, splits[1].n)["x"][library._work.held.order])
    with torch.no_grad():
        right = library.network(both)(x).argmax(1).numpy() == library._work.held.labels()
    assert found.accuracy[1] == pytest.approx(right.mean())


@pytest.mark.parametrize(("seconds", "scored"), [(0.0, 1), (2.0, 2), (9.0, 4)])
def test_the_first_are_scored_whatever_the_time_and_the_others_while_there_is_some(
    trained, proposals, monkeypatch, seconds, scored
):
    library, engine, heard = trained[0], Watched(), Heard()
    monkeypatch.setattr(library, "_engine", engine)
    monkeypatch.setattr(library, "_size", 1)
    monkeypatch.setattr("paretune.search.library._scores.FEWEST_SCORED", 1)
    space, ticks = proposals.space, itertools.count()
    changed = [space.index[name] for name in ("b1:skip", "b1-3:basic(width=1)")]
    rows = [space.with_option(space.baseline(), place) for place in changed]
    rows = np.stack([rows[0], space.baseline(), rows[1], space.baseline()])
    found = library.score_untrained(
        rows, seconds=seconds, settle=False, progress=heard, clock=lambda: float(next(ticks))
    )
    assert np.isfinite(found.kl).tolist() == [place < scored for place in range(4)]
    assert np.isfinite(found.accuracy).tolist() == [place < scored for place in range(4)]
    assert found.kl[0] > 0
    assert found.kl[1:2] == pytest.approx([0] if scored > 1 else [math.nan], abs=1e-6, nan_ok=True)
    assert len(heard.steps) == len(engine.calls) == scored


def test_compositions_are_scored_by_one_crew_and_the_first_in_any_case(
    trained, proposals, monkeypatch
):
    library, engine, usable = trained[0], Watched(), trained[0].usable()
    monkeypatch.setattr(library, "_engine", engine)
    monkeypatch.setattr(library, "_size", 1)
    space = proposals.space.only(usable)
    rows = np.stack([space.baseline()] * 20)
    rows[17] = space.with_option(rows[17], space.index["b1:skip"])
    kept, kl = score_compositions(library, usable, rows, 600.0, Heard())
    np.testing.assert_array_equal(kept, rows)
    same = np.full(16, kl[0])
    assert kl[:16] == pytest.approx(same)
    assert kl[17] != pytest.approx(kl[0])
    assert engine.started == 1
    kept, kl = score_compositions(library, usable, rows, 0.0, Heard())
    np.testing.assert_array_equal(kept, rows[:16])
    assert kl == pytest.approx(same)


def test_a_piece_is_the_trained_one_and_a_kept_block_the_original(trained, proposals):
    library, *_ = trained
    space = proposals.space
    option = space.options[space.index["b1:basic(width=0.5)"]]
    fresh = proposals.build(option, seed=3)
    assert not torch.equal(library.piece(option).branch[0].conv.weight, fresh.branch[0].conv.weight)
    kept = library.piece(space.options[space.starting[1][0]])
    assert next(kept.parameters()) is next(proposals.module.stage1[0].parameters())


def test_a_network_of_what_is_missing_is_refused(trained, proposals):
    library, *_ = trained
    space = proposals.space
    for name, why in (("b2:faulty(how=dies)", "failed"), ("b2:skip", "was not trained")):
        choice = space.with_option(space.baseline(), space.index[name])
        with pytest.raises(InputError, match=why):
            library.network(choice)
        with pytest.raises(InputError, match=why):
            library.score_untrained(choice)


def test_what_was_spent_is_booked(trained):
    library, _, ledger, heard = trained
    spent = ledger.summary().stages["library"].training_flops
    assert spent > sum(entry.flops for entry in library.entries.values())  # the teacher's, too
    assert len(heard.steps) == len(OPTIONS)


def test_a_repeated_call_trains_nothing_but_what_its_process_died_of(
    trained, tiny, proposals, splits
):
    library, store, *_ = trained
    engine = Watched()
    again = train(tiny, proposals, splits, store, engine=engine)
    assert again.entries.keys() == library.entries.keys()
    np.testing.assert_array_equal(again.swap_one(), library.swap_one())
    assert set(engine.fitted(last=False)) == {"b2:faulty(how=dies)"}
    assert engine.fitted() == []
