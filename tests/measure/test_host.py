import os
from pathlib import Path

import numpy as np
import onnx
import pytest

from paretune import runtimes
from paretune.core import InputError, UnsupportedError, WorkerError
from paretune.data import load_data, materialise
from paretune.engine import LocalEngine
from paretune.measure import open_host, pinned_cores
from paretune.runtimes.base import Settings
from paretune.sources import load_model
from tests.pipeline.tiny import digits, write_onnx

RUNTIMES = ("openvino", "onnxruntime")


def opened(program, arrays, **settings):
    return open_host(LocalEngine(), program, Settings(**settings), arrays)


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_host_is_pinned_times_calls_and_knows_its_memory(programs, arrays, name):
    with opened(programs[name], arrays) as host:
        assert os.sched_getaffinity(host.pid) == set(pinned_cores(1))
        burst = host.call("burst", 0.005, 7)
        assert burst.dtype == np.int64
        assert len(burst) >= 7
        assert (burst > 0).all()
        assert len(host.call("burst", 0.0)) == 3
        peak = host.call("peak_memory_mb")
        status = Path(f"/proc/{host.pid}/status").read_text()
        kilobytes = int(status.split("VmHWM:")[1].split()[0])
        assert peak == pytest.approx(kilobytes * 1024 / 1e6, rel=0.02)
        assert 20 < peak < 2000


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_short_last_batch_changes_no_result(programs, arrays, name):
    with opened(programs[name], arrays, batch=1) as single:
        one_by_one = single.call("evaluate", arrays)
    with opened(programs[name], arrays, batch=7) as seven:
        padded = seven.call("evaluate", arrays)
        parts = [seven.call("evaluate", arrays, row, 14) for row in range(0, arrays.n, 14)]
        assert np.array_equal(np.concatenate(parts), padded)
    assert len(arrays.feeds(0, arrays.n)["image"]) % 7 != 0
    assert one_by_one.shape == padded.shape == (arrays.n, 10)
    assert one_by_one.dtype == np.float32
    np.testing.assert_allclose(padded, one_by_one, rtol=1e-4, atol=1e-5)
    assert (one_by_one.argmax(axis=1) == arrays.labels()).mean() > 0.9


@pytest.mark.parametrize("name", RUNTIMES)
def test_an_output_that_is_one_number_is_no_obstacle(arrays, name, tmp_path):
    made = onnx.load(str(write_onnx(tmp_path / "tiny.onnx")))
    made.graph.node.append(onnx.helper.make_node("ReduceMean", ["scores"], ["loss"], keepdims=0))
    made.graph.output.append(onnx.helper.make_tensor_value_info("loss", 1, []))
    onnx.save(made, str(tmp_path / "loss.onnx"))
    (tmp_path / "p").mkdir()
    model = load_model(tmp_path / "loss.onnx")
    program = runtimes.get(name).prepare(model, "f32", tmp_path / "p")
    with opened(program, arrays, batch=7) as host:
        assert host.call("evaluate", arrays).shape == (arrays.n, 10)
        scores, losses = host.call("all_outputs", arrays, 10)
    assert (scores.shape, losses.shape) == ((10, 10), (2,))
    assert losses[0] == pytest.approx(scores[:7].mean(), abs=1e-4)


def test_streams_run_at_once_and_their_samples_are_all_counted(programs, arrays):
    with opened(programs["openvino"], arrays, threads=2, streams=2, batch=5) as host:
        assert os.sched_getaffinity(host.pid) == set(pinned_cores(2))
        samples, window, times = host.call("concurrent", 0.2)
        assert host.call("batch") == 5
        assert samples % 5 == 0
        assert samples >= 2 * 5
        assert 0 < window < 60
        assert times.dtype == np.int64
        assert len(times) * 5 == samples
        assert times.min() > 0
        assert times.sum() / 1e9 == pytest.approx(2 * window)  # both streams' calls, end to end
        samples, window, _ = host.call("concurrent", 0.0)  # calls slower than the window
        assert samples >= 2 * 2 * 5
        assert window > 0


def test_a_batch_larger_than_the_data_repeats_it(programs, arrays):
    with opened(programs["onnxruntime"], arrays, batch=256) as host:
        assert len(host.call("burst", 0.0)) == 3
        assert host.call("evaluate", arrays).shape == (arrays.n, 10)


def test_layers_are_told_where_the_session_profiles(programs, arrays):
    with opened(programs["openvino"], arrays, profile=True) as host:
        layers = host.call("layers")
    assert {"Convolution", "FullyConnected", "MatMul"} & {layer.op for layer in layers}


def test_outputs_that_are_not_finite_are_refused_with_the_first_of_them(folder, programs, arrays):
    x, _ = digits()
    limit = float(np.median(x.sum(axis=(1, 2, 3))))
    model = load_model(write_onnx(folder / "nan.onnx", nan_after=limit))
    place = folder / "nan"
    place.mkdir()
    program = runtimes.get("onnxruntime").prepare(model, "f32", place)
    sums = arrays.feeds(0, arrays.n)["image"].sum(axis=(1, 2, 3))
    bad = np.flatnonzero(sums > limit)
    said = f"NaN or infinite for {len(bad)} of {arrays.n} samples .first: sample {bad[0]}."
    with opened(program, arrays) as host, pytest.raises(InputError, match=said):
        host.call("evaluate", arrays)
    said = f"NaN or infinite for .* samples .first: sample {bad[-1]}."
    with opened(program, arrays) as host, pytest.raises(InputError, match=said):
        host.call("evaluate", arrays, int(bad[-1]), 4)


def test_more_threads_than_cores_are_refused_before_a_process_starts(programs, arrays):
    with pytest.raises(InputError, match=r"1000 threads .* may use \d+ cores: give --threads"):
        opened(programs["openvino"], arrays, threads=1000)


def test_what_a_runtime_refuses_ends_the_process_and_says_why(folder, arrays):
    model = load_model(write_onnx(folder / "fixed.onnx", batch=1))
    place = folder / "fixed"
    place.mkdir()
    program = runtimes.get("onnxruntime").prepare(model, "f32", place)
    with pytest.raises(UnsupportedError, match="batch is fixed at 1"):
        opened(program, arrays, batch=4)


def test_a_program_whose_files_are_gone_is_a_reason(programs, arrays, tmp_path):
    lost = programs["onnxruntime"].model_copy(update={"folder": tmp_path})
    with pytest.raises((UnsupportedError, WorkerError), match="failed"):
        opened(lost, arrays)


def test_splits_of_another_size_give_as_many_outputs(folder, model, programs):
    x, y = digits()
    dataset = load_data(({"image": x[:150]}, y[:150]))
    train = materialise(dataset, "train", model, folder / "arrays")
    with opened(programs["onnxruntime"], train, batch=4) as host:
        assert len(host.call("evaluate", train)) == train.n
