import itertools

import numpy as np
import pytest
import torch
from torch import nn

from paretune.core import UnsupportedError
from paretune.search.library._error import channel_variance, normalised_error
from paretune.search.library._fit import Lesson, _schedule, fit
from paretune.search.library._recipe import Recipe
from tests.search.library.nets import Ravenous


def lesson(drift=False):
    torch.manual_seed(0)
    x = torch.randn(64, 3, 4, 4)
    y = 2 * x.roll(1, dims=1) + 1
    drifted = (x + 5).bfloat16() if drift else None
    return Lesson(x.bfloat16(), y.bfloat16(), drifted, {}, flow=None)


def run(piece, given, *, recipe=None, seconds=1.0, clock=None):
    return fit(
        piece,
        given,
        channel_variance(given.y, image=True),
        recipe=recipe or Recipe(steps=60, batch=16, rate=0.1),
        seconds=seconds,
        second=False,
        random=np.random.default_rng(0),
        clock=clock or (lambda: 0.0),
        bf16=False,
    )


def error(piece, given):
    with torch.no_grad():
        return float(
            normalised_error(piece(given.x.float()), given.y, channel_variance(given.y, image=True))
        )


def test_error_is_one_for_the_mean_and_counts_every_channel_alike():
    y = torch.randn(200, 2, 5, 5) * torch.tensor([1.0, 3.0])[:, None, None]
    variance = channel_variance(y, image=True)
    assert variance.shape == (1, 2, 1, 1)
    mean = y.mean(dim=(0, 2, 3), keepdim=True).expand_as(y)
    assert 0.9 < float(normalised_error(mean, y, variance)) < 1.0
    for channel in range(2):
        made = y.clone()
        made[:, channel] = mean[:, channel]
        assert float(normalised_error(made, y, variance)) == pytest.approx(0.5, rel=0.06)
    assert float(normalised_error(y, y, variance)) == 0
    assert channel_variance(torch.randn(9, 7, 4), image=False).shape == (1, 1, 4)
    assert channel_variance(torch.randn(9, 7, 7, 4), image=False).shape == (1, 1, 1, 4)


def test_steps_lower_the_error_and_leave_eval_mode():
    given, piece = lesson(), nn.Conv2d(3, 3, 1)
    before = error(piece, given)
    effort = run(piece, given)
    assert (effort.steps, effort.samples, effort.batch) == (60, 60 * 16, 16)
    # Forward and the weights' gradient: a 1x1 convolution of 3 to 3 channels on 4x4 pixels.
    assert effort.flops == 2 * 2 * 3 * 3 * 16 * effort.samples
    assert error(piece, given) < 0.1 * before
    assert not piece.training


def test_time_ends_training():
    ticks = itertools.count()
    given = lesson()
    effort = run(
        nn.Conv2d(3, 3, 1), given, recipe=Recipe(batch=8), seconds=20, clock=lambda: next(ticks)
    )
    assert effort.steps == 19
    assert run(nn.Conv2d(3, 3, 1), given, recipe=Recipe(batch=8), seconds=0).steps == 0


def test_the_rate_rises_at_first_and_falls_to_nothing():
    rates = [_schedule(done) for done in np.linspace(0, 1, 101)]
    assert rates[0] < 0.1
    assert max(rates) > 0.98
    assert rates[-1] == pytest.approx(0)
    assert np.diff(rates[6:]).max() < 0


def test_part_of_the_inputs_is_drifted_and_its_targets_are_not():
    given = lesson(drift=True)
    x = given.inputs(torch.arange(4), drifted=2)
    torch.testing.assert_close(x[:2], given.drift[:2].float())
    torch.testing.assert_close(x[2:], given.x[2:4].float())
    clean = lesson()
    torch.testing.assert_close(clean.inputs(torch.arange(4), drifted=2), clean.x[:4].float())


def test_batches_are_halved_where_memory_runs_out():
    effort = run(Ravenous(nn.Conv2d(3, 3, 1)), lesson())
    assert effort.batch == 4
    assert effort.samples == 60 * 4


class Insatiable(nn.Conv2d):
    def forward(self, x):
        raise torch.OutOfMemoryError("by design")


def test_too_little_memory_for_one_sample_is_a_reason():
    with pytest.raises(UnsupportedError, match="one sample takes more memory"):
        run(Insatiable(3, 3, 1), lesson())


class Broken(nn.Conv2d):
    def forward(self, x):
        raise RuntimeError("something else")


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    with pytest.raises(RuntimeError, match="something else"):
        run(Broken(3, 3, 1), lesson())


def test_nothing_is_trained_after_divergence():
    piece = nn.Conv2d(3, 3, 1)
    piece.weight.data.fill_(float("inf"))
    effort = run(piece, lesson())
    assert (effort.steps, effort.samples) == (1, 16)
    assert effort.flops > 0
    assert not piece.training


def test_what_is_dropped_follows_from_the_seed_alone():
    found, given = [], lesson()
    for earlier in (1, 2):
        torch.manual_seed(0)
        piece = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout(0.5))
        torch.manual_seed(earlier)  # what was trained in this process before
        run(piece, given)
        found.append(piece[0].weight.detach())
    assert torch.equal(*found)
