"""How many samples a library is made of, for models that cost more and less."""

from types import SimpleNamespace

import pytest

from paretune.search.library import Recipe
from paretune.search.library._request import work_for
from paretune.store import paths


def work(splits, macs, **recipe):
    """For two small blocks of so many multiply-adds together."""
    shape = {"input_shape": (4,), "output_shape": (4,), "follows": True}
    blocks = [SimpleNamespace(macs=macs // 2, **shape) for _ in range(2)]
    made = SimpleNamespace(blocks=blocks)
    given = made, *splits, [], Recipe(**recipe), 0, 600.0, paths.home()
    return work_for(*given, recorded=True)


@pytest.mark.parametrize(
    ("macs", "judged"),
    [
        (10**6, 100),  # all there are
        (10**9, 80),
        (4 * 10**9, 64),  # no fewer, however long they take
    ],
)
def test_the_larger_a_model_the_fewer_samples_a_candidate_is_judged_on(splits, macs, judged):
    assert splits[1].n == 100
    assert work(splits, macs).held.n == judged
    assert work(splits, macs, held_out=70).held.n == min(judged, 70)
    assert work(splits, macs, held_out=8).held.n == 8


def test_a_small_network_is_judged_on_all_that_are_wanted(splits):
    thousands = SimpleNamespace(n=5000)
    # ResNet-56 at 32 pixels takes 126 million multiply-adds (arXiv 1512.03385, table 6).
    assert work((splits[0], thousands), 126_000_000).held.n == 512
    assert work((splits[0], thousands), 126_000_000, held_out=128).held.n == 128
