import numpy as np
import pytest

from paretune.measure.statistics import (
    bootstrap_ci,
    interquartile_mean,
    paired_drop,
    ratio_from_groups,
    ratio_from_logs,
    wilson,
)

SIMULATIONS = 300


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_is_symmetric_stays_within_bounds_and_knows_nothing_of_nothing():
    low, high = wilson(20, 20)
    assert (low, high) == pytest.approx((1 - wilson(0, 20)[1], 1.0))
    assert wilson(0, 0) == (0.0, 1.0)
    inner, outer = wilson(5, 20, confidence=0.5), wilson(5, 20, confidence=0.99)
    assert outer[0] < inner[0] < inner[1] < outer[1]


def outcomes(both, first, second, neither):
    one = [1.0] * both + [1.0] * first + [0.0] * second + [0.0] * neither
    two = [1.0] * both + [0.0] * first + [1.0] * second + [0.0] * neither
    return np.asarray(one), np.asarray(two)


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, 2635-2650, table II, method 10
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((20, 12, 2, 16), 0.0562, 0.3292),
        # Fagerland, Lydersen & Laake (2014), Statistics in Medicine 33, 2850-2875, Newcombe's
        ((1, 1, 7, 12), -0.507, -0.026),
    ],
)
def test_a_paired_drop_has_newcombes_published_interval(cells, low, high):
    first, second = outcomes(*cells)
    drop = paired_drop(first, second)
    assert drop.value == pytest.approx((cells[1] - cells[2]) / sum(cells))
    assert drop.ci95 == pytest.approx((low, high), abs=6e-4)


def test_a_paired_drop_turns_its_sign_with_its_arguments():
    first, second = outcomes(50, 9, 3, 20)
    there, back = paired_drop(first, second), paired_drop(second, first)
    assert there.value == -back.value > 0
    assert there.ci95 == pytest.approx((-back.ci95[1], -back.ci95[0]))


def test_pairing_narrows_a_drop_to_what_the_discordant_samples_say():
    first, second = outcomes(900, 4, 2, 94)
    low, high = paired_drop(first, second).ci95
    assert high - low < 0.02  # unpaired, two proportions of 1000 near 0.9 give 0.052


def test_equal_outcomes_still_have_a_drop_interval():
    same = np.ones(100)
    low, high = paired_drop(same, same).ci95
    assert low < 0 < high


def test_a_drop_of_scores_that_are_no_proportion_is_bootstrapped():
    random = np.random.default_rng(0)
    first = random.uniform(0.4, 0.9, 500)
    drop = paired_drop(first, first - 0.1, seed=3)
    assert drop.value == pytest.approx(0.1)
    assert drop.ci95 == pytest.approx((0.1, 0.1))


def test_the_interquartile_mean_ignores_a_quarter_at_each_end():
    values = np.asarray([1e9, 1.0, 2.0, 3.0, 4.0, -1e9, 2.5, 2.5])
    assert interquartile_mean(values) == pytest.approx((2.0 + 2.5 + 2.5 + 3.0) / 4)
    rows = np.stack([values, values + 1])
    assert interquartile_mean(rows) == pytest.approx([2.5, 3.5])
    assert interquartile_mean(np.asarray([7.0])) == 7.0


def test_resampling_repeats_itself_with_its_seed():
    values = np.random.default_rng(0).standard_normal(50)

    def interval(seed):
        return bootstrap_ci(values, lambda rows: rows.mean(axis=-1), seed=seed)

    assert interval(1) == interval(1)
    assert interval(1) != interval(2)


def test_resampling_takes_rows_whole():
    rows = np.repeat(np.asarray([[0.0], [1.0]]), 50, axis=1)  # two bursts of fifty like calls
    low, high = bootstrap_ci(rows, lambda picked: picked.mean(axis=(1, 2)))
    assert (low, high) == (0.0, 1.0)


def test_one_round_says_nothing_of_its_spread():
    ratio = ratio_from_logs(np.asarray([0.3]))
    assert ratio.value == pytest.approx(np.exp(0.3))
    assert ratio.ci95 == (0.0, np.inf)
    assert not ratio.differs_from_one


def test_one_start_is_judged_by_its_rounds():
    logs = np.random.default_rng(0).normal(0.1, 0.02, 30)
    assert ratio_from_groups([logs]) == ratio_from_logs(logs)


def test_starts_that_disagree_widen_a_ratio_more_than_their_rounds_would():
    random = np.random.default_rng(0)
    groups = [random.normal(centre, 0.001, 40) for centre in (0.08, 0.12, 0.10, 0.11, 0.09)]
    by_starts = ratio_from_groups(groups)
    by_rounds = ratio_from_logs(np.concatenate(groups))
    width = by_starts.ci95[1] - by_starts.ci95[0]
    assert width > 1.5 * (by_rounds.ci95[1] - by_rounds.ci95[0])


def coverage(estimate, simulate, truth):
    """Share of simulated data sets whose interval holds the truth."""
    random = np.random.default_rng(0)
    held = 0
    for seed in range(SIMULATIONS):
        low, high = estimate(simulate(random), seed=seed).ci95
        held += low <= np.exp(truth) <= high
    return held / SIMULATIONS


@pytest.mark.parametrize("rounds", [8, 30])
def test_ratios_over_rounds_cover_the_truth_under_heavy_tails(rounds):
    def simulate(random):
        return 0.2 + 0.02 * random.standard_t(2, rounds)

    assert 0.90 <= coverage(ratio_from_logs, simulate, 0.2) <= 0.99


@pytest.mark.parametrize("spread", [0.0, 0.01])
@pytest.mark.parametrize("starts", [3, 5])
def test_ratios_over_starts_cover_the_truth_with_and_without_effects_of_a_start(starts, spread):
    def simulate(random):
        centres = 0.05 + spread * random.standard_normal(starts)
        return [centre + 0.02 * random.standard_t(2, 12) for centre in centres]

    assert 0.90 <= coverage(ratio_from_groups, simulate, 0.05) <= 0.99
