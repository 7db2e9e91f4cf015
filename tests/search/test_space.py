"""The space as numbers: counting, covering, sampling, neighbours."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest

from paretune.core import InputError
from paretune.search import KEEP, Option, Space


def make(blocks: int, plain: int, merges: bool = True) -> Space:
    """Every block kept or replaced in `plain` ways, and every neighbouring pair merged."""
    options = []
    for block in range(blocks):
        options.append(Option(id=f"b{block}:keep", first=block, last=block, operator=KEEP))
        for k in range(plain):
            options.append(Option(id=f"b{block}:p{k}", first=block, last=block, operator="plain"))
        if merges and block + 1 < blocks:
            name = f"b{block}-{block + 1}:merge"
            options.append(Option(id=name, first=block, last=block + 1, operator="merge"))
    return Space(blocks=blocks, options=tuple(options))


def every(space: Space) -> list[np.ndarray]:
    """All valid vectors, by trying every subset."""
    vectors = (np.array(bits, dtype=bool) for bits in product((0, 1), repeat=len(space.options)))
    return [vector for vector in vectors if space.valid(vector)]


def test_count_is_what_trying_every_subset_finds() -> None:
    space = make(4, 2)
    assert space.count() == len(every(space)) == 109


def test_count_of_a_large_space_is_exact() -> None:
    assert make(60, 19, merges=False).count() == 20**60


def test_samples_are_valid_and_uniform() -> None:
    space = make(3, 1)
    drawn = space.sample(np.random.default_rng(0), 12_000)
    assert all(space.valid(row) for row in drawn)
    seen = Counter(space.name(row) for row in drawn)
    assert len(seen) == space.count() == 12
    assert max(abs(n - 1000) for n in seen.values()) < 150  # five standard deviations


def test_weights_tilt_samples_by_their_product() -> None:
    space = make(2, 1, merges=False)
    weights = np.array([3.0, 1.0, 1.0, 1.0])
    drawn = space.sample(np.random.default_rng(0), 8_000, weights)
    assert drawn[:, 0].mean() == pytest.approx(0.75, abs=0.03)
    assert drawn[:, 2].mean() == pytest.approx(0.5, abs=0.03)


def test_neighbours_and_children_are_valid() -> None:
    space, random = make(6, 2), np.random.default_rng(1)
    drawn = space.sample(random, 200)
    for left, right in zip(drawn[:100], drawn[100:], strict=True):
        assert space.valid(space.mutate(left, random))
        assert (space.mutate(left, random) != left).any()
        assert space.valid(space.cross(left, right, random))


def test_an_option_put_in_keeps_the_blocks_it_lays_bare() -> None:
    space = make(3, 1)
    merged = space.of(["b0-1:merge", "b2:p0"])
    put = space.with_option(merged, space.index["b1:p0"])
    assert [option.id for option in space.chosen(put)] == ["b0:keep", "b1:p0", "b2:p0"]


def test_names_tell_what_changed() -> None:
    space = make(3, 1)
    assert space.name(space.baseline()) == "baseline"
    assert space.name(space.of(["b0:keep", "b1-2:merge"])) == "b1-2:merge"


@pytest.mark.parametrize(
    ("ids", "text"),
    [(["b0:keep"], "exactly once"), (["b0:keep", "b1:nothing"], "no option")],
)
def test_what_is_no_architecture_is_refused(ids: list[str], text: str) -> None:
    with pytest.raises(InputError, match=text):
        make(2, 1).of(ids)


def test_a_space_that_cannot_keep_a_block_is_refused() -> None:
    with pytest.raises(InputError, match="keeps it"):
        Space(blocks=2, options=(Option(id="a", first=0, last=0, operator=KEEP),))


def test_options_outside_or_twice_are_refused() -> None:
    keep = Option(id="a", first=0, last=0, operator=KEEP)
    with pytest.raises(InputError, match="does not have"):
        Space(blocks=1, options=(keep, Option(id="b", first=0, last=1, operator="m")))
    with pytest.raises(InputError, match="same id"):
        Space(blocks=1, options=(keep, Option(id="a", first=0, last=0, operator="m")))


def test_it_survives_being_written_and_read() -> None:
    space = make(3, 1)
    assert Space.model_validate_json(space.model_dump_json()) == space
