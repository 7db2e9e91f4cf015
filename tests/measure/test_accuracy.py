import numpy as np
import pytest

from paretune.core import InputError
from paretune.measure import METRICS, choose_metric, score
from paretune.measure.accuracy import kl_divergence


def logits(classes, right):
    """Scores of ten classes whose best is `classes`, by a margin that differs."""
    outputs = np.zeros((len(classes), 10), dtype=np.float32)
    outputs[np.arange(len(classes)), classes] = right
    return outputs


def scored(outputs, labels, baseline, *, metric="top1", classifier=True):
    return score(METRICS[metric], "search", outputs, labels, baseline, classifier=classifier)


LABELS = np.arange(40) % 10


def test_top1_counts_right_answers_with_wilsons_interval():
    guesses = LABELS.copy()
    guesses[:10] = (guesses[:10] + 1) % 10
    found = scored(logits(guesses, 3.0), LABELS, logits(LABELS, 3.0))
    assert found.value == 0.75
    assert found.ci95 == pytest.approx((0.5981, 0.8581), abs=1e-4)
    assert found.n == 40
    assert found.split == "search"


def test_a_drop_is_positive_where_the_variant_is_worse_and_negative_where_better():
    worse = LABELS.copy()
    worse[:4] = (worse[:4] + 1) % 10
    down = scored(logits(worse, 1.0), LABELS, logits(LABELS, 1.0)).drop
    up = scored(logits(LABELS, 1.0), LABELS, logits(worse, 1.0)).drop
    assert down.value == pytest.approx(0.1)
    assert up.value == pytest.approx(-0.1)


def test_top5_counts_labels_among_the_five_best():
    outputs = np.tile(np.arange(10, dtype=np.float32), (40, 1))  # best five: 9 8 7 6 5
    assert scored(outputs, LABELS, outputs).top5 == 0.5


def test_top5_says_nothing_of_five_classes_or_fewer():
    outputs = np.eye(5, dtype=np.float32)
    assert scored(outputs, np.arange(5), outputs).top5 is None


def test_agreement_is_with_the_baseline_whatever_the_labels():
    ours, theirs = LABELS.copy(), LABELS.copy()
    ours[:8] = theirs[:8] = (LABELS[:8] + 1) % 10  # wrong in the same way
    ours[8:12] = (LABELS[8:12] + 2) % 10
    found = scored(logits(ours, 1.0), LABELS, logits(theirs, 1.0))
    assert found.agreement == 0.9
    assert found.value == 0.7


def test_kl_is_that_of_the_textbook():
    theirs = np.log(np.asarray([[0.5, 0.5], [0.9, 0.1]], dtype=np.float32))
    ours = np.log(np.asarray([[0.25, 0.75], [0.9, 0.1]], dtype=np.float32))
    expected = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    assert kl_divergence(ours, theirs) == pytest.approx([expected, 0.0], rel=1e-5, abs=1e-9)
    assert kl_divergence(theirs, theirs) == pytest.approx(0, abs=1e-12)


def test_kl_has_an_interval_that_more_samples_narrow():
    random = np.random.default_rng(0)

    def found(n):
        theirs = random.standard_normal((n, 10)).astype(np.float32)
        ours = theirs + 0.3 * random.standard_normal((n, 10)).astype(np.float32)
        return scored(ours, None, theirs, metric="agreement")

    few, many = found(100), found(3000)
    for one in (few, many):
        assert one.kl_ci95[0] < one.kl < one.kl_ci95[1]
    assert np.ptp(many.kl_ci95) < 0.4 * np.ptp(few.kl_ci95)


def test_kl_takes_probabilities_as_they_are_and_zeros_too():
    theirs = np.asarray([[0.5, 0.5]], dtype=np.float32)
    ours = np.asarray([[0.25, 0.75]], dtype=np.float32)
    assert kl_divergence(ours, theirs) == pytest.approx(kl_divergence(np.log(ours), np.log(theirs)))
    sure = np.asarray([[1.0, 0.0]], dtype=np.float32)
    assert np.isfinite(kl_divergence(sure, theirs)).all()


@pytest.mark.parametrize("classes", [10, 100])
def test_a_softmax_rounded_to_8_bits_diverges_little(classes):
    scores = 4 * np.random.default_rng(0).standard_normal((500, classes))
    theirs = (np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)).astype(np.float32)
    ours = np.round(theirs * 255) / np.float32(255)  # sums to 1 no more
    assert kl_divergence(ours, theirs).mean() < 0.1
    shuffled = kl_divergence(np.roll(ours, 1, axis=0), theirs).mean()
    assert shuffled > 1.0


def test_fidelity_is_one_minus_the_relative_error_and_never_below_zero():
    baseline = np.full((3, 2, 2), 2.0, dtype=np.float32)
    outputs = np.stack([baseline[0], 1.5 * baseline[0], 9 * baseline[0]])
    found = scored(outputs, None, baseline, metric="fidelity", classifier=False)
    assert found.value == pytest.approx((1 + 0.5 + 0) / 3)
    assert found.ci95[0] <= found.value <= found.ci95[1]
    assert found.agreement is None
    assert found.kl is None


def test_without_labels_only_what_needs_none_is_told():
    outputs = logits(LABELS, 1.0)
    found = scored(outputs, None, outputs, metric="agreement")
    assert (found.value, found.top5, found.kl) == (1.0, None, pytest.approx(0, abs=1e-9))
    with pytest.raises(InputError, match="needs labels"):
        scored(outputs, None, outputs, metric="top1")


@pytest.mark.parametrize("shape", [(40, 1), (40,), (40, 10, 2)])
@pytest.mark.parametrize("metric", ["top1", "agreement"])
def test_outputs_without_two_classes_have_no_best_one(metric, shape):
    outputs = np.ones(shape, dtype=np.float32)
    with pytest.raises(InputError, match=r"two or more classes .* shape \(40"):
        scored(outputs, np.zeros(40, dtype=np.int64), outputs, metric=metric, classifier=False)


@pytest.mark.parametrize(
    ("name", "task", "labelled", "chosen"),
    [
        (None, "classification", True, "top1"),
        (None, "classification", False, "agreement"),
        (None, "other", True, "fidelity"),
        ("fidelity", "classification", True, "fidelity"),
    ],
)
def test_the_natural_metric_follows_task_and_labels(name, task, labelled, chosen):
    assert choose_metric(name, task, labelled).name == chosen


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("f1", "unknown metric 'f1': give one of top1"),
        ("nowhere_at_all:f1", "there is no module nowhere_at_all"),
        ("tests.measure.test_accuracy:absent", "has no absent"),
    ],
)
def test_a_metric_that_is_not_there_is_refused(name, said):
    with pytest.raises(InputError, match=said):
        choose_metric(name, "classification", True)


def test_top1_is_refused_without_labels():
    with pytest.raises(InputError, match="needs labels"):
        choose_metric("top1", "classification", False)


def recall_of_zero(outputs, labels):
    hits = (outputs.argmax(axis=1) == 0)[labels == 0]
    return hits.mean() if len(hits) else float("nan")


def each_right(outputs, labels):
    return outputs.argmax(axis=1) == labels


def raising(outputs, labels):
    raise ValueError("no such thing")


HERE = "tests.measure.test_accuracy"


def test_a_metric_of_the_users_own_is_resampled_with_the_baseline():
    metric = choose_metric(f"{HERE}:recall_of_zero", "classification", True)
    guesses = LABELS.copy()
    guesses[[0, 10]] = 1
    found = score(
        metric, "holdout", logits(guesses, 1.0), LABELS, logits(LABELS, 1.0), classifier=True
    )
    assert found.value == 0.5
    assert found.drop.value == 0.5
    assert found.drop.ci95[0] <= 0.5 <= found.drop.ci95[1]
    assert found.split == "holdout"


def test_a_metric_may_return_one_score_a_sample():
    metric = choose_metric(f"{HERE}:each_right", "classification", True)
    outputs = logits(LABELS, 1.0)
    assert score(metric, "search", outputs, LABELS, outputs, classifier=True).value == 1.0


def test_a_metric_that_raises_is_named_with_what_it_raised():
    metric = choose_metric(f"{HERE}:raising", "classification", True)
    outputs = logits(LABELS, 1.0)
    with pytest.raises(InputError, match=r"raising: calling it raised ValueError: no such thing"):
        score(metric, "search", outputs, LABELS, outputs, classifier=True)


def not_finite(outputs, labels):
    return float("nan")


def test_a_metric_that_is_no_number_is_refused():
    metric = choose_metric(f"{HERE}:not_finite", "classification", True)
    outputs = logits(LABELS, 1.0)
    with pytest.raises(InputError, match="nan"):
        score(metric, "search", outputs, LABELS, outputs, classifier=True)


def silent(outputs, labels):
    return None


def test_a_metric_that_returns_nothing_is_refused():
    metric = choose_metric(f"{HERE}:silent", "classification", True)
    outputs = logits(LABELS, 1.0)
    with pytest.raises(InputError, match="silent returned NoneType: it must return a float"):
        score(metric, "search", outputs, LABELS, outputs, classifier=True)
