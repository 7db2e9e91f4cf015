import numpy as np
import pytest

from paretune.core import InputError
from paretune.data.splits import FEWEST, LARGEST, check_disjoint, complete, split


def sizes(parts):
    return {name: len(indices) for name, indices in parts.items()}


def covers(parts, n):
    together = np.concatenate(list(parts.values()))
    return sorted(together.tolist()) == list(range(n))


def test_default_shares():
    parts = split(1000, None)
    assert sizes(parts) == {"train": 400, "search": 300, "holdout": 300}
    assert covers(parts, 1000)
    assert all((np.diff(indices) > 0).all() for indices in parts.values())


def test_large_sets_are_capped_and_train_takes_the_rest():
    parts = split(60_000, None)
    assert sizes(parts) == {"train": 45_000, **LARGEST}
    assert covers(parts, 60_000)


def test_stratified_to_one_sample():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(7), [500, 300, 100, 50, 30, 17, 3]))
    parts = split(1000, labels)
    assert covers(parts, 1000)
    for name, share in zip(("train", "search", "holdout"), (0.4, 0.3, 0.3), strict=True):
        counts = np.bincount(labels[parts[name]], minlength=7)
        expected = np.bincount(labels) * share
        assert (np.abs(counts - expected) <= 1.0).all(), name


def test_same_seed_same_cut():
    labels = np.arange(400) % 4
    one, two, other = split(400, labels, seed=3), split(400, labels, seed=3), split(400, labels)
    assert all((one[part] == two[part]).all() for part in one)
    assert any((one[part] != other[part]).any() for part in one)
    # Samples are drawn, not taken from the front.
    assert one["train"].max() > 300


def test_fractions():
    assert sizes(split(1000, None, fractions=(0.2, 0.4, 0.4))) == {
        "train": 200,
        "search": 400,
        "holdout": 400,
    }
    some = split(1000, np.arange(1000) % 5, fractions=(0.1, 0.2, 0.1))
    assert sizes(some) == {"train": 100, "search": 200, "holdout": 100}
    assert len(np.unique(np.concatenate(list(some.values())))) == 400
    assert np.bincount(np.arange(1000)[some["search"]] % 5).tolist() == [40] * 5
    for bad in ((0.5, 0.5), (0.5, 0.5, 0.5), (1, 0, 0), (0.4, float("nan"), 0.3), (-1, 1, 1)):
        with pytest.raises(InputError, match="three positive shares"):
            split(1000, None, fractions=bad)


def test_too_few_says_how_many_are_needed():
    assert sizes(split(100, None)) == {"train": 40, "search": 30, "holdout": 30}
    with pytest.raises(InputError, match="scans has 99 samples and its three splits need at least"):
        split(99, None, name="scans")
    with pytest.raises(InputError, match="at least 100 "):
        split(3, None)
    with pytest.raises(InputError, match="at least 300 "):
        split(200, None, fractions=(0.8, 0.1, 0.1))
    assert covers(split(300, None, fractions=(0.8, 0.1, 0.1)), 300)


def test_parts_the_data_fixes_stay():
    given = {"train": np.arange(50), "search": np.arange(50, 90), "holdout": np.arange(90, 130)}
    parts = complete(given, None)
    assert all((parts[name] == given[name]).all() for name in given)


def test_large_parts_that_the_data_fixes_are_capped_class_by_class():
    labels = np.arange(50_050) % 10  # in an order that no stride may meet
    parts = complete({"train": np.arange(50), "holdout": np.arange(50, 50_050)}, labels)
    assert sizes(parts) == {"train": 50, **LARGEST}
    assert np.bincount(labels[parts["search"]]).tolist() == [500] * 10
    given = {
        "train": np.arange(10),
        "search": np.arange(10, 20_010),
        "holdout": np.arange(30_000, 31_000),
    }
    parts = complete(given, labels)
    assert np.bincount(labels[parts["search"]]).tolist() == [500] * 10
    assert (parts["holdout"] == given["holdout"]).all()
    again, other = complete(given, labels), complete(given, labels, seed=1)
    assert (parts["search"] == again["search"]).all()
    assert (parts["search"] != other["search"]).any()


@pytest.mark.parametrize("other", ["search", "holdout"])
def test_one_held_out_part_is_shared(other):
    labels = np.arange(170) % 3
    parts = complete({"train": np.arange(50), other: np.arange(50, 170)}, labels)
    assert (parts["train"] == np.arange(50)).all()
    assert sizes(parts) == {"train": 50, "search": 60, "holdout": 60}
    assert covers(parts, 170)
    assert np.bincount(labels[parts["search"]]).tolist() == [20, 20, 20]


def test_search_from_train():
    labels = np.arange(400) % 4
    given = {"train": np.arange(300), "holdout": np.arange(300, 400)}
    parts = complete(given, labels, search_from_train=True)
    assert (parts["holdout"] == given["holdout"]).all()
    assert sizes(parts) == {"train": 210, "search": 90, "holdout": 100}
    assert covers(parts, 400)


def test_fixed_parts_too_small():
    few = FEWEST["search"] - 1
    given = {"train": np.arange(50), "search": np.arange(few), "holdout": np.arange(60)}
    with pytest.raises(InputError, match="leaves 29 samples for search and it needs at least 30"):
        complete(given, None)
    with pytest.raises(InputError, match="add a train and a test part"):
        complete({"train": np.arange(50)}, None)


def test_check_disjoint():
    good = {"train": np.arange(3), "search": np.arange(3, 5), "holdout": np.arange(5, 6)}
    check_disjoint(good, 6, "own")
    with pytest.raises(InputError, match="points outside"):
        check_disjoint(good, 5, "own")
    with pytest.raises(InputError, match="no samples in split 'search'"):
        check_disjoint({**good, "search": np.arange(0)}, 6, "own")
    with pytest.raises(InputError, match="in two splits"):
        check_disjoint({**good, "search": np.arange(2, 4)}, 6, "own")
