"""Which known networks fit, before training: refusals; the rest needs timm."""

from __future__ import annotations

import pytest

from paretune.core import Condition, InputError
from paretune.pipeline import presets
from paretune.pipeline.suggest import suggest
from paretune.report.hardware import suggestion

LIKE = {"data_like": (3, 64, 64), "classes": 10}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"data_like": (64, 64)}, "is no shape of an image"),
        ({"classes": 1}, "give --classes 2 or more"),
        ({"constraints": ["accuracy >= 80 %"]}, "cannot be judged before training"),
        ({"constraints": ["latency <= 0.5 * baseline"]}, "give an absolute bound"),
        ({"constraints": ["latency <="]}, "latency <="),
        ({"preset_name": "mine"}, "no preset 'mine'"),
    ],
)
def test_what_cannot_be_judged_is_refused(asked, said):
    with pytest.raises(InputError, match=said):
        suggest(**{"constraints": [], **LIKE, **asked})


def test_nothing_that_could_be_measured_is_said_with_the_reasons():
    from paretune.engine import machine

    conditions = [Condition(kind=kind, text=f"{kind}, told") for kind in ("noise", "cache")]
    found = suggestion.Suggestion(
        target=machine.detect(), networks=(), left_out={"x": "why"}, conditions=conditions
    )
    assert suggestion.summary(found) == [
        "No known network could be measured here.",
        "Left out: 1.",
        "  x: why",
        "Note: noise, told.",
    ]


@pytest.mark.timm
def test_networks_that_fit_come_first_and_are_found_measured_again(monkeypatch):
    few = tuple(k for k in presets.preset("imagenet-cpu") if "mobilenetv2" in k.model)
    monkeypatch.setattr("paretune.pipeline.frontier.preset", lambda _: few)
    asked = {**LIKE, "precisions": ("f32",)}
    every = suggest(constraints=[], **asked)
    assert [one.top1 for one in every.networks] == sorted((k.top1 for k in few), reverse=True)
    times = sorted(one.latency_ms.value for one in every.networks)
    bound = (times[0] + times[1]) / 2
    again = suggest(constraints=[f"latency <= {bound} ms"], **asked)
    assert [one.fits for one in again.networks] == [True, False, False]
    assert again.networks[0].latency_ms.value == times[0]  # measured before, not again
    assert suggestion.headline(again).endswith("1 of 3 known networks fit.")
