"""Each script's own arithmetic, and its ways to measure on a model of one layer."""

import burst_length
import measurement_quality
import numpy as np
import pytest

from paretune.core import Estimate


@pytest.fixture(scope="module")
def tiny():
    return measurement_quality.tiny()


def test_coverage_error_and_width_of_comparisons():
    found = [
        Estimate(value=1.01, ci95=(0.99, 1.03)),
        Estimate(value=0.98, ci95=(0.97, 0.99)),
        Estimate(value=1.00, ci95=(0.99, 1.01)),
    ]
    covered, error, half = measurement_quality.aa_figures(found)
    assert covered.value == pytest.approx(2 / 3)
    assert covered.text == "2 of 3"
    assert error.value == pytest.approx(0.01)
    assert half.value == pytest.approx(0.01)


def test_standard_error_leaves_out_what_a_start_is_off_by():
    draws = np.random.default_rng(0).normal(0, 0.01, size=(50, 8))
    offset = draws + np.linspace(-1, 1, 50)[:, None]
    expected = 0.01 / np.sqrt(draws.size)
    assert burst_length.standard_error(offset.tolist()) == pytest.approx(expected, rel=0.1)


def test_slices_of_every_length_are_taken(tiny):
    found = burst_length.one_start(tiny, (1, 2), slices=2, seconds=0.02)
    assert {length: len(values) for length, values in found.items()} == {1: 2, 2: 2}


def test_the_bare_loop_and_the_harness_alternate(tiny):
    (figure,), details = measurement_quality.overhead("x", tiny, 0.2, starts=2, calls=50)
    assert np.isfinite([figure.value, *figure.ci95]).all()
    assert set(details["microseconds_a_call"]) == {"wall", "reported", "bare", "barest"}
    assert all(value > 0 for value in details["microseconds_a_call"].values())
    assert len(details["rounds"]) == 2


def test_a_difference_comes_back_in_its_own_unit():
    same = [np.full(10, 5.0), np.full(10, 7.0)]
    assert measurement_quality._difference(same).value == pytest.approx(6.0)


def test_benchmark_app_runs_the_same_file(tiny):
    command = measurement_quality.app_command(tiny, 1.0)
    assert str(tiny.program.folder / "model.xml") in command
    assert command[command.index("-nthreads") + 1] == str(tiny.settings.threads)
    assert 0 < measurement_quality.app_p50(tiny, 1.0) < 1000


def test_statistics_keep_activations_from_fading():
    torch = pytest.importorskip("torch")
    from _networks import settle_statistics

    torch.manual_seed(0)
    layers = []
    for _ in range(12):
        layer = torch.nn.Conv2d(3, 3, 3, padding=1)
        torch.nn.init.normal_(layer.weight, std=0.02)
        layers += [layer, torch.nn.BatchNorm2d(3)]
    net = torch.nn.Sequential(*layers).eval()
    settle_statistics(net, 16)
    with torch.no_grad():
        assert 0.3 < float(net(torch.randn(4, 3, 16, 16)).std()) < 3
    assert not any(part.training for part in net.modules())


def test_the_fashion_network_hears_its_input_before_it_is_trained():
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from train_baselines import FASHION_SIZE, small_efficientnet

    module, processor = small_efficientnet(0)
    assert processor.size["height"] == FASHION_SIZE
    with torch.no_grad():
        logits = module.train()(torch.randn(8, 3, FASHION_SIZE, FASHION_SIZE)).logits
    assert float(logits.std(0).mean()) > 0.05
