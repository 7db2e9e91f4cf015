"""Libraries asked for again, interrupted, refused, short of time and room, of unusual networks."""

import copy
import itertools
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from paretune.core import InputError
from paretune.search.library import Recipe, _budget
from paretune.store import Store, paths
from tests.search.library.asking import OPTIONS, RECIPE, Heard, train
from tests.search.library.conftest import Idle, Watched, proposed


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


def test_what_had_too_little_time_is_no_answer_to_a_longer_request(tiny, proposals, splits, store):
    quick = RECIPE.model_copy(update={"steps": None, "drift": 0.0})
    given = {"options": ["b1:basic(width=0.5)"], "recipe": quick, "workers": 1, "each": 1.0}
    late = train(tiny, proposals, splits, store, seconds=0.01, **given)
    (entry,) = late.entries.values()
    assert entry.short
    # A repeated one, which has no more time, finds it; one that has more trains it again.
    again = train(tiny, proposals, splits, store, seconds=0.01, engine=Idle(), **given)
    assert again.entries == late.entries
    engine = Watched()
    longer = train(tiny, proposals, splits, store, seconds=60, engine=engine, **given)
    (entry,) = longer.entries.values()
    assert len(engine.fitted()) == 1
    assert not entry.short
    found = train(tiny, proposals, splits, store, seconds=90, engine=Idle(), **given)
    assert found.entries == longer.entries


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
