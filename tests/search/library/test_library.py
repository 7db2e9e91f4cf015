"""A library is trained by real processes: they die, diverge and run out of memory here."""

import copy
import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from paretune.core import InputError
from paretune.engine import LocalEngine
from paretune.search.divergence import divergence
from paretune.search.ledger import Ledger
from paretune.search.library import Library, Recipe, _budget
from paretune.search.space import KEEP
from paretune.store import paths
from tests.search.library.conftest import Idle, Watched, proposed

RECIPE = Recipe(steps=40, drift=0.5, batch=32, samples=128, held_out=64, settle=64)
OPTIONS = [
    "b1:skip",
    "b1:basic(width=0.5)",
    "b1-3:basic(width=1)",
    "b2:faulty(how=dies-once)",
    "b2:faulty(how=dies)",
    "b3:faulty(how=unsound)",
    "b3:faulty(how=diverges)",
    "b3:faulty(how=hungry)",
    "b5:basic(width=0.5)",
]


class Heard:
    """A progress that remembers, and interrupts after so many steps."""

    def __init__(self, stop=math.inf):
        self.stages, self.steps, self.notes, self._stop = [], [], [], stop

    def stage(self, name, total):
        self.stages.append(name)

    def step(self, text):
        self.steps.append(text)
        if len(self.steps) >= self._stop:
            raise KeyboardInterrupt

    def note(self, text):
        self.notes.append(text)


def train(tiny, proposals, splits, store, **options):
    given = {"engine": LocalEngine(), "seconds": 60, "seed": 3, "recipe": RECIPE, "workers": 2}
    return Library.train(
        proposals,
        splits[0],
        search=splits[1],
        model_digest=tiny.digest,
        store=store,
        **(given | {"options": OPTIONS} | options),
    )


@pytest.fixture(scope="module")
def trained(tiny, proposals, splits, tmp_path_factory):
    from paretune.store import Store

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


def test_a_repeated_call_for_what_is_known_needs_no_process(tiny, proposals, splits, store):
    given = {"options": OPTIONS[:2], "recipe": RECIPE.model_copy(update={"steps": 2})}
    first = train(tiny, proposals, splits, store, **given)
    heard = Heard()
    again = train(tiny, proposals, splits, store, engine=Idle(), progress=heard, **given)
    assert again.entries == first.entries
    assert heard.stages == []


def test_what_is_known_needs_no_room_on_the_disk(tiny, proposals, splits, store, monkeypatch):
    ids = OPTIONS[:2]
    quick = RECIPE.model_copy(update={"steps": 2, "drift": 0.0, "held_out": 80})
    first = train(tiny, proposals, splits, store, options=ids, recipe=quick)
    full = SimpleNamespace(total=1, used=1, free=0)
    monkeypatch.setattr("paretune.search.library._request.shutil.disk_usage", lambda _: full)
    again = train(tiny, proposals, splits, store, options=ids, recipe=quick, engine=Idle())
    assert again.entries == first.entries
    # Of what is scored without a record there are as many as were worth recording, at least.
    assert (again._work.held.n, again._work.train.n) == (64, 64)
    assert set(again._work.held.order) < set(first._work.held.order)
    with pytest.raises(InputError, match="free some room"):
        train(tiny, proposals, splits, store, options=OPTIONS[:3], recipe=quick, engine=Idle())


def test_in_turn_they_are_judged_or_trained_until_the_time_is_up(
    tiny, proposals, splits, store, monkeypatch
):
    monkeypatch.setattr(_budget, "FEWEST_CANDIDATES", 2)
    ids = ["b5:basic(width=1)", "b1:skip", "b1:basic(width=0.5)", "b2:basic(width=0.5)"]
    ticks = itertools.count()
    late = {"options": ids, "workers": 1, "seconds": 1, "clock": lambda: float(next(ticks))}
    judged = train(tiny, proposals, splits, store, each=0.0, recipe=Recipe(), **late)
    assert list(judged.entries) == ids[:2]  # in the order given
    assert all(e.steps == 0 and e.kl > 0 for e in judged.entries.values())
    given = {"options": ids, "workers": 1, "each": 20.0}
    quick = RECIPE.model_copy(update={"steps": None, "drift": 0.0, "enough": 5})
    trained = train(tiny, proposals, splits, store, recipe=quick, **given)
    assert {name: e.steps for name, e in trained.entries.items()} == dict.fromkeys(ids, 5) | {
        "b1:skip": 0
    }


def test_after_an_interruption_only_what_is_missing_is_trained(tiny, proposals, splits, store):
    ids = ["b1:basic(width=0.5)", "b2:basic(width=0.5)", "b5:basic(width=0.5)", "b5:basic(width=1)"]
    quick = RECIPE.model_copy(update={"steps": 2})
    given = {"options": ids, "recipe": quick, "workers": 1}
    with pytest.raises(KeyboardInterrupt):
        train(tiny, proposals, splits, store, progress=Heard(stop=2), **given)
    engine, heard = Watched(), Heard()
    library = train(tiny, proposals, splits, store, engine=engine, progress=heard, **given)
    assert len(engine.fitted()) == 2
    assert engine.fitted(last=False) == []  # the first round was behind all of them
    assert heard.notes == ["2 candidates are known from before and are used again"]
    assert len(heard.steps) == 2
    assert all(entry.status != "failed" for entry in library.entries.values())
    assert not list((paths.home() / "library").rglob("films-*/"))


def test_the_same_seed_trains_the_same_weights(tiny, proposals, splits, tmp_path):
    from paretune.store import Store

    quick = RECIPE.model_copy(update={"steps": 3, "drift": 0.0})
    found = []
    for name in "ab":
        with Store.open(f"sqlite:///{tmp_path}/{name}") as store:
            one = {"options": ["b1:basic(width=0.5)"], "recipe": quick, "workers": 1}
            library = train(tiny, proposals, splits, store, **one)
            entry = library.entries["b1:basic(width=0.5)"]
            found.append((entry.error_after, entry.kl))
            assert entry.steps == 3  # one round without drift
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"options": ["b9:nothing"]}, "no option 'b9:nothing'"),
        ({"seconds": 0}, "more than 0"),
    ],
)
def test_bad_requests_are_refused_in_one_sentence(tiny, proposals, splits, store, change, why):
    with pytest.raises(InputError, match=why):
        train(tiny, proposals, splits, store, engine=Idle(), **change)


def test_a_module_that_cannot_travel_is_refused(tiny, proposals, splits, store):
    class Local(nn.Module):
        pass

    class Stuck:
        space, module = proposals.space, Local()

    with pytest.raises(InputError, match="define its class in a file"):
        train(tiny, Stuck(), splits, store, engine=Idle())


def test_what_a_killed_process_recorded_for_other_sites_is_recorded_again(
    tiny, proposals, splits, store, monkeypatch
):
    with monkeypatch.context() as killed:  # nothing is cleared away
        killed.setattr("paretune.search.library._films.shutil.rmtree", lambda *_, **__: None)
        train(tiny, proposals, splits, store, options=["b1:basic(width=0.5)"])
    library = train(tiny, proposals, splits, store, options=["b5:basic(width=0.5)"])
    entry = library.entries["b5:basic(width=0.5)"]
    assert entry.status == "trained", entry.reason
    assert entry.error_after < entry.error_before
    assert entry.kl > 0


def test_what_came_frozen_is_trained_all_the_same(tiny, examples, splits, store):
    module = copy.deepcopy(tiny.module).requires_grad_(False)
    frozen = proposed(module, examples, ["width"])
    name = next(o.id for o in frozen.space.options if o.operator == "width")
    library = train(tiny, frozen, splits, store, options=[name])
    assert library.entries[name].steps == 80  # whether or not it is better for that
    choice = frozen.space.with_option(frozen.space.baseline(), frozen.space.index[name])
    assert all(p.requires_grad for p in library.network(choice).parameters())
    assert not any(p.requires_grad for p in module.parameters())


def test_whole_numbers_among_the_parameters_hinder_nothing(tiny, examples, splits, store):
    module = copy.deepcopy(tiny.module)
    for holder in (module.stage1[0], module.head):  # what an option copies, what all networks have
        holder.places = nn.Parameter(torch.arange(4), requires_grad=False)
    made = proposed(module, examples, ["width"])
    name = next(o.id for o in made.space.options if o.operator == "width" and o.first == 1)
    quick = RECIPE.model_copy(update={"steps": 2, "drift": 0.0})
    library = train(tiny, made, splits, store, options=[name], recipe=quick, workers=1)
    assert library.entries[name].steps == 2, library.entries[name].reason
    network = library.network(made.space.with_option(made.space.baseline(), made.space.index[name]))
    found = {(p.dtype, p.requires_grad) for p in network.parameters()}
    assert found == {(torch.float32, True), (torch.int64, False)}
