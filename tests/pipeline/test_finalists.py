"""A finalist that int8 costs too much is trained in simulated int8, in a whole run."""

import multiprocessing
import os
import re
import signal
import threading
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

import paretune.search
from paretune.core import Score, parse_constraint
from paretune.data import load_data, materialise
from paretune.pipeline import finalists, optimize, request
from paretune.pipeline.context import Shares
from paretune.pipeline.demo import trained
from paretune.search import KEEP, Finalist, Found, finish, propose
from paretune.search.ledger import Ledger
from paretune.sources import load_model
from tests.pipeline.conftest import Run, Told, nothing_searched
from tests.search.finish.test_quantisation_aware import stretched

pytestmark = pytest.mark.alone


def digits_resnet():
    return load_model(f"digits-resnet@{trained(load_data('digits', seed=0), seed=0, told=Told())}")


@pytest.fixture(scope="module")
def digits_model():
    return digits_resnet()


def drops_of(found):
    variants = found.variants(architecture="digits-resnet+s1")
    scored = [variant["accuracy"] for variant in variants if variant["accuracy"]]
    return [score["drop"]["value"] for score in scored]


@pytest.mark.slow
def test_it_wins_back_what_int8_cost(digits_model, tmp_path, monkeypatch):
    def search(ground, *, seconds):
        """Finds at once the same network with channels that int8 cannot tell apart."""
        proposals = propose(ground.model, ground.train)
        kept = tuple(o.id for o in proposals.space.options if o.operator == KEEP)
        found = Finalist("s1", stretched(digits_model.module, 400.0), kept, 1.5)
        return Found((found,), nothing_searched(), proposals)

    monkeypatch.setattr(paretune.search, "search", search)
    monkeypatch.setattr(request, "LEAST_SEARCH", 60.0)
    monkeypatch.setattr(finalists, "MENDING", 0.3)
    # How much a budget buys is the machine's affair.
    for budget in ("90s", "180s", "360s"):
        told, out = Told(), tmp_path / budget
        result = optimize(
            digits_model, "digits", out=out, effort="search", runtimes=("openvino",),
            precisions=("f32", "int8"), threads=(1,), budget=budget, progress=told,
        )  # fmt: skip
        notes = [re.match(r"int8 cost .+\+s1 ([\d.]+) pt: trained", note) for note in told.notes]
        if costs := [float(note[1]) / 100 for note in notes if note]:
            break
    (cost,), drops = costs, drops_of(Run(out, result, told))
    assert cost > 0.1
    assert min(drops) < 0.5 * cost
    assert result.ledger.stages_flops["quantisation-aware"] > 0


class Killed(Told):
    """Kills its process when a training tells how far it is."""

    def step(self, text):
        if text.startswith("train"):
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start()


def mend(model, folder, monkeypatch, *, left, progress):
    """Enter one finalist that int8 costs too much, with so many seconds left; what became of it."""
    whole = Score(split="search", value=0.95, ci95=(0.93, 0.97), n=500)
    lost = whole.model_copy(update={"value": 0.85})
    monkeypatch.setattr(finalists, "LEAST_MENDING", 1.0)
    monkeypatch.setattr(finalists, "judged", lambda *_: whole)
    rejected = [SimpleNamespace(score=lost, reason="int8 costs too much")]
    mended = [SimpleNamespace(score=whole, reason="")]
    monkeypatch.setattr(
        finalists, "_built", lambda c, f, one, *_: rejected if one is model else mended
    )
    monkeypatch.setattr(finalists, "_of", lambda context, *_: nullcontext(context))
    context = SimpleNamespace(
        model=model, request=SimpleNamespace(seed=0), progress=progress, shares=Shares(),
        left=lambda share: left, tell=lambda kind, text: progress.note(f"{kind}: {text}"),
    )  # fmt: skip
    train = materialise(load_data("digits", seed=0), "train", model, folder / "arrays")
    searched = SimpleNamespace(
        models={"s1": model}, checkpoints=folder / "search", summary=nothing_searched(),
        spending=Ledger(folder / "search" / "ledger.json"),
    )  # fmt: skip
    finalists.enter_finalists(
        context, SimpleNamespace(enter=lambda _: None),
        SimpleNamespace(baseline=SimpleNamespace(score=whole), baseline_outputs=None),
        searched, (parse_constraint("accuracy >= baseline - 0.5 pt"),), None, lambda: train,
    )  # fmt: skip
    spent = searched.spending.summary().stages["quantisation-aware"].training_flops
    return searched.models["s1"].digest, spent


def mend_until_killed(folder):
    mend(digits_resnet(), folder, pytest.MonkeyPatch(), left=5.0, progress=Killed())


def test_a_resumed_run_mends_as_long_and_only_once(digits_model, tmp_path, monkeypatch):
    (tmp_path / "search").mkdir()
    child = multiprocessing.get_context("spawn").Process(target=mend_until_killed, args=(tmp_path,))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    told = Told()
    digest, spent = mend(digits_model, tmp_path, monkeypatch, left=500.0, progress=told)
    assert told.notes[-1].endswith("trained in simulated int8 for 3 s")
    assert any(f"train {digits_model.name} in simulated int8: " in step for step in told.steps)
    assert digest != digits_model.digest
    assert spent > 0
    # One that was killed later takes what was trained.
    again = mend(digits_model, tmp_path, monkeypatch, left=-1.0, progress=Told())
    assert again == (digest, spent)


def test_one_whose_training_breaks_off_stays_as_it_was(digits_model, tmp_path, monkeypatch):
    def full(*_args, **_options):
        raise MemoryError("the other job has it")

    monkeypatch.setattr(finish, "quantisation_aware", full)
    told = Told()
    (tmp_path / "search").mkdir()
    digest, _ = mend(digits_model, tmp_path, monkeypatch, left=5.0, progress=told)
    assert digest == digits_model.digest
    assert "it stays as it was: an unexpected MemoryError" in told.notes[-1]
    assert "the other job has it" in (tmp_path / "search" / "traceback.txt").read_text()


def test_where_no_time_is_left_it_says_so(digits_model, monkeypatch):
    said = []
    whole = Score(split="search", value=0.95, ci95=(0.93, 0.97), n=500)
    monkeypatch.setattr(finalists, "judged", lambda *_: whole)
    context = SimpleNamespace(tell=lambda kind, text: said.append((kind, text)))
    found = SimpleNamespace(baseline=SimpleNamespace(score=whole), baseline_outputs=None)
    best = SimpleNamespace(score=whole.model_copy(update={"value": 0.85}))
    guard = (parse_constraint("accuracy >= baseline - 0.5 pt"),)
    rest = (None, digits_model, guard, best, pytest.fail, 1.0)
    assert finalists._mended(context, found, *rest) is None
    ((kind, text),) = said
    assert kind == "budget"
    assert "costs digits-resnet" in text
    assert "10.0 pt" in text


def test_who_falls_short_in_f32_takes_no_time_from_who_does_not(tmp_path, monkeypatch):
    own = Score(split="search", value=0.95, ci95=(0.93, 0.97), n=500)
    guard = (parse_constraint("accuracy >= baseline - 0.5 pt"),)
    points = [SimpleNamespace(architecture=f"s{i}", score=s) for i, s in enumerate((0.94, 0.946))]
    shares = []

    def mended(context, found, searched, model, guard, best, train, seconds):
        shares.append((model, seconds))

    candidate = SimpleNamespace(score=own, reason="int8 costs too much")
    monkeypatch.setattr(finalists, "_built", lambda *_: [candidate])
    monkeypatch.setattr(finalists, "_mended", mended)
    monkeypatch.setattr(finalists, "_of", lambda context, *_: nullcontext(context))
    finalists.enter_finalists(
        SimpleNamespace(shares=Shares(), left=lambda _: 100.0),
        SimpleNamespace(enter=lambda _: None),
        SimpleNamespace(baseline=SimpleNamespace(score=own)),
        SimpleNamespace(
            models={"s0": "first", "s1": "second"},
            checkpoints=tmp_path,
            summary=SimpleNamespace(points=points),
        ),
        guard, None, lambda: None,
    )  # fmt: skip
    assert shares == [("second", 60.0), ("first", 60.0)]  # and `first` is trained for none of it
