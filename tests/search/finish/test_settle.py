"""Training ends as the student will serve: statistics stay, dropout is off."""

import copy

import pytest
import torch
from torch import nn

from paretune.search.finish import Recipe, distil
from paretune.search.finish._saved import Saved
from paretune.search.ledger import Ledger
from tests.search.finish.conftest import net
from tests.search.finish.test_distil import Clock
from tests.search.keeping import Keeping

QUICK = Recipe(batch=64, lr=1e-2)
EPOCHS = 2  # of eleven steps


class Watched(nn.Module):
    """Notes, step by step, which of its layers train and what BatchNorm's statistics are."""

    def __init__(self):
        super().__init__()
        self.net = net(1)
        self.drop = nn.Dropout(0.1)
        self.memory = nn.LSTM(10, 10, batch_first=True)
        self.norm = next(m for m in self.net.modules() if isinstance(m, nn.BatchNorm2d))
        self.trained, self.means = [], []

    def forward(self, image):
        scores = self.drop(self.net(image))
        if torch.is_grad_enabled():
            self.trained.append([m.training for m in (self.norm, self.drop, self.memory)])
            self.means.append(self.norm.running_mean.clone())
        return scores + self.memory(scores.unsqueeze(1))[0][:, 0]


def test_the_last_fifth_is_trained_as_the_student_will_serve(digits, teacher):
    student = Watched()
    done = distil(student, teacher, digits["train"], recipe=QUICK, epochs=EPOCHS)
    trained, means = student.trained[-done.steps :], student.means[-done.steps :]
    late = [norm is False for norm, *_ in trained]
    first = late.index(True)
    assert first == round(0.8 * done.steps)
    assert late == sorted(late)  # once settled, for good
    assert trained == [[not x] * 3 for x in late]
    assert all(mean.equal(means[first]) for mean in means[first:])
    assert means[first].equal(student.norm.running_mean)
    assert not any(mean.equal(means[first]) for mean in means[:first])


@pytest.mark.parametrize(("share", "settled"), [(0.0, 0), (1.0, 1)])
def test_the_share_is_the_recipe_s(digits, teacher, share, settled):
    student = Watched()
    recipe = Recipe(batch=64, lr=1e-2, settle=share)
    done = distil(student, teacher, digits["train"], recipe=recipe, epochs=EPOCHS)
    assert {norm for norm, *_ in student.trained[-done.steps :]} == {not settled}


def test_where_it_settled_a_training_goes_on_settled(digits, teacher, tmp_path):
    class StoppedError(Exception):
        pass

    class Stopped(Watched):
        left = 21

        def forward(self, image):
            self.left -= torch.is_grad_enabled()
            if self.left < 0:
                raise StoppedError
            return super().forward(image)

    options = {"recipe": QUICK, "epochs": EPOCHS, "save_every": 0.0}
    torch.manual_seed(0)
    whole = Watched()
    before = {key: value.clone() for key, value in whole.state_dict().items()}
    distil(whole, teacher, digits["train"], **options, checkpoint=tmp_path / "whole.pt")
    stopped, again = Stopped(), Watched()
    for student in (stopped, again):
        student.load_state_dict(before)
    with pytest.raises(StoppedError):
        distil(stopped, teacher, digits["train"], **options, checkpoint=tmp_path / "x.pt")
    distil(again, teacher, digits["train"], **options, checkpoint=tmp_path / "x.pt")
    assert {norm for norm, *_ in again.trained} == {False}
    pairs = zip(whole.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in pairs)


STILL = Recipe(batch=64, lr=1e-2, weight_decay=0.0, settle=1.0)


def test_what_is_kept_in_eval_mode_is_of_the_weights_as_they_are(digits, teacher):
    student = Keeping(net(1))
    # The ledger counts a copy, also of one that has settled.
    options = {"save_every": 0.0, "ledger": Ledger()}
    done = distil(student, teacher, digits["train"], recipe=STILL, epochs=EPOCHS, **options)
    assert done.reason is None
    assert float(student.bias.detach().abs().min()) > 0
    again = Keeping(net(1))
    again.eval()
    again.load_state_dict(student.state_dict())
    image = torch.ones(3, 1, 8, 8)
    with torch.no_grad():
        assert torch.allclose(student(image), again(image), atol=1e-6)


def test_one_that_was_finished_before_comes_back_with_nothing_else_kept(digits, teacher, tmp_path):
    first, again = Keeping(net(1)), Keeping(net(1))
    for student in (first, again):
        distil(
            student,
            teacher,
            digits["train"],
            recipe=STILL,
            epochs=EPOCHS,
            checkpoint=tmp_path / "student.pt",
        )
    image = torch.ones(3, 1, 8, 8)
    with torch.no_grad():
        assert torch.allclose(first(image), copy.deepcopy(again)(image), atol=1e-6)


def test_no_step_follows_a_settling_that_took_all_that_was_left(digits, teacher):
    clock = Clock()

    class Slow(Watched):
        settling = 0

        def forward(self, image):
            if not torch.is_grad_enabled() and self.norm.training:
                self.settling += 1
                clock.now += 5
            return super().forward(image)

    student = Slow()
    done = distil(student, teacher, digits["train"], recipe=QUICK, seconds=12.0, clock=clock)
    # Of the ten batches that the recipe wants, as many as a tenth of the time is enough for.
    assert student.settling == 2
    assert done.rates[-1] > 0
    assert all(norm for norm, *_ in student.trained[-done.steps :])  # no step as it serves


class Narrow(Watched):
    """Has memory for so many samples only where statistics are estimated."""

    room = 20

    def forward(self, image):
        if not torch.is_grad_enabled() and self.norm.training and len(image) > self.room:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: no room")
        return super().forward(image)


def test_out_of_memory_while_it_settles_halves_what_goes_through_at_once(digits, teacher):
    student = Narrow()
    done = distil(student, teacher, digits["train"], recipe=QUICK, epochs=EPOCHS)
    assert done.micro_batch == 16
    assert student.norm.momentum == 0.1


def test_the_rate_falls_to_zero_in_a_short_budget_too(digits, teacher):
    clock = Clock()
    done = distil(net(1), teacher, digits["train"], recipe=QUICK, seconds=12.0, clock=clock)
    assert done.rates[-1] < 0.05 * QUICK.lr
    assert done.seconds <= 13


def test_after_a_kill_the_rate_goes_on_falling(digits, teacher, tmp_path):
    class StoppedError(Exception):
        pass

    class Stopped(Watched):
        def forward(self, image):
            # In train mode before: memory is estimated in eval mode, too.
            modes = [norm for norm, *_ in self.trained]
            if torch.is_grad_enabled() and modes[-2:] == [True, False]:
                raise StoppedError
            return super().forward(image)

    options = {"recipe": QUICK, "seconds": 40.0, "save_every": 0.0}
    options["checkpoint"] = tmp_path / "student.pt"
    with pytest.raises(StoppedError):
        distil(Stopped(), teacher, digits["train"], **options, clock=Clock())
    done = distil(Watched(), teacher, digits["train"], **options, clock=Clock())
    falling = done.rates[done.rates.index(max(done.rates)) :]
    assert list(falling) == sorted(falling, reverse=True)


def test_another_budget_begins_in_train_mode_again():
    assert Saved(key="a", step=30, settled=24).next_budget("b").settled is None
