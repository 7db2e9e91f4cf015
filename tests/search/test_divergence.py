import numpy as np
import pytest
import torch

from paretune.search.divergence import divergence


def test_of_class_scores_it_is_in_nats():
    p = torch.tensor([[0.5, 0.5], [0.5, 0.5]]).log()
    q = torch.tensor([[0.9, 0.1], [0.5, 0.5]]).log()
    expected = 0.5 * np.log(0.5 / 0.9) + 0.5 * np.log(0.5 / 0.1)
    assert float(divergence(q, p)) == pytest.approx(expected / 2, rel=1e-5)


@pytest.mark.parametrize("shape", [(64, 1), (64, 2, 4, 4), (64,)])
def test_of_anything_else_it_tells_how_far_the_values_are_off(shape):
    torch.manual_seed(0)
    wanted = 3 * torch.randn(shape) + 2
    assert float(divergence(wanted, wanted)) == 0
    assert float(divergence(wanted.mean().expand(shape), wanted)) == pytest.approx(1, abs=0.02)
    assert float(divergence(wanted + 0.3, wanted)) == pytest.approx(0.01, rel=0.3)


def test_of_a_model_that_ends_in_a_softmax_it_is_the_same():
    torch.manual_seed(0)
    student, teacher = torch.randn(32, 10), torch.randn(32, 10)
    plain = float(divergence(student, teacher))
    assert float(divergence(student.softmax(1), teacher.softmax(1))) == pytest.approx(plain)
    sure = torch.eye(10)
    assert torch.isfinite(divergence(sure.roll(1, 0), sure))


def test_values_that_are_no_scores_are_not_normalised():
    torch.manual_seed(0)
    wanted = torch.randn(64, 4)
    assert float(divergence(wanted + 2, wanted)) == pytest.approx(0, abs=1e-5)
    assert float(divergence(wanted + 2, wanted, scores=False)) > 1
