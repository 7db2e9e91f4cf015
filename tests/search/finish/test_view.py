"""How far images are moved: as far as the teacher knows them for what they were."""

import numpy as np
import pytest
import torch
from torch import nn

from paretune.search import shares
from paretune.search.finish import Recipe, _known
from paretune.search.finish._answers import Answers
from paretune.search.finish._augment import view, views
from paretune.search.finish._batches import Batches
from paretune.search.finish._view import Views
from tests.search.finish.test_distil import folder

SIZE, CPU = 32, torch.device("cpu")


class Columns(nn.Module):
    """Scores how bright each strip of an image is, strips of so many columns."""

    def __init__(self, width):
        super().__init__()
        self.width, self.asked = width, 0

    def forward(self, image):
        self.asked += len(image)
        return image.mean((1, 2)).unflatten(1, (-1, self.width)).mean(2)


class Pixels(nn.Module):
    """Answers with a place in the image."""

    def forward(self, image):
        return image


@pytest.fixture
def batches(tmp_path):
    """Images with one bright column, the third of a strip of four or eight."""
    images = np.zeros((256, 1, SIZE, SIZE), dtype=np.float32)
    columns = 8 * np.random.default_rng(0).integers(1, 3, size=256) + 2
    images[np.arange(256), :, :, columns] = 1
    return Batches(folder(tmp_path, {"image": images}), size=64, seed=0)


def furthest(batches, teacher, recipe, answers=None):
    """How many columns an image of the first batches is moved by at most."""
    views = Views(batches, recipe, teacher, CPU, answers or Answers())
    far = 0
    for step in range(4):
        before = batches.inputs(batches.rows(step))[0]
        after = views.training(step)[0][0]
        moved = before.mean((1, 2)).argmax(1) - after.mean((1, 2)).argmax(1)
        far = max(far, int(moved.abs().max()))
    return far


def test_images_of_one_sample_are_moved_alike():
    x = torch.randn(8, 1, SIZE, SIZE)
    how = {"shift": 0.125, "flip": True}
    one, two = views([x, x], np.random.default_rng(0), **how)
    assert torch.equal(one, two)
    assert torch.equal(one, view(x, np.random.default_rng(0), **how))


def test_of_a_large_teacher_fewer_images_are_looked_at(batches, monkeypatch):
    teacher = Columns(8)
    assert Views(batches, Recipe(), teacher, CPU, Answers()).asked == 4 * 256
    monkeypatch.setattr(_known, "flops", lambda *_: 2 * shares.RATE)  # a second an image
    assert Views(batches, Recipe(), teacher, CPU, Answers()).asked == 4 * 128


@pytest.mark.parametrize(
    ("teacher", "columns"),
    [(Columns(SIZE), 4), (Columns(8), 2), (Columns(4), 1), (Columns(1), 0), (Pixels(), 1)],
)
def test_images_are_moved_as_far_as_the_teacher_knows_them(batches, teacher, columns):
    assert furthest(batches, teacher, Recipe(flip=False)) == columns


def test_a_shift_that_is_given_is_taken(batches):
    assert furthest(batches, Columns(1), Recipe(flip=False, shift=0.25)) == 8


def test_where_answers_are_values_images_are_moved_least(batches):
    assert furthest(batches, Columns(SIZE), Recipe(scores=False)) == 1


def test_the_teacher_is_asked_once_by_students_that_share_its_answers(batches):
    answers, teacher = Answers(), Columns(SIZE)
    furthest(batches, teacher, Recipe(), answers)
    asked = teacher.asked
    assert asked
    furthest(batches, teacher, Recipe(), answers)
    assert teacher.asked == asked


@pytest.mark.parametrize(
    ("teacher", "recipe", "changes"),
    [
        (Columns(SIZE), Recipe(), 2),  # mirrored, and the largest shift
        (Columns(1), Recipe(flip=False), 3),
        (Columns(1), Recipe(flip=False, shift=0.25), 0),
        (Columns(1), Recipe(scores=False), 0),
    ],
)
def test_what_the_teacher_is_asked_is_counted(batches, teacher, recipe, changes):
    """The images as they are count once, whatever is done to them."""
    views = Views(batches, recipe, teacher, CPU, Answers())
    assert views.asked == teacher.asked == (256 * (1 + changes) if changes else 0)
