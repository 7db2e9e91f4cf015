"""Every bad input: one line, exit code 2, nothing left behind."""

import contextlib
import errno
import os
import pickle
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paretune.engine import machine
from paretune.runtimes import registry
from tests.compress import misbehaving
from tests.pipeline.conftest import environment
from tests.pipeline.tiny import digits, write_onnx

NETS = "tests.pipeline.nets"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def refused(paretune, files, out):
    """The one line that an `optimize` command is refused with."""

    def run(model=None, data=None, *more, lines=1):
        model = files / "tiny.onnx" if model is None else model
        data = files / "digits.npz" if data is None else data
        extra = () if "--out" in more else ("--out", out)
        said = paretune(
            "optimize", model, "--data", data, "--runtimes", "onnxruntime", "--quiet", *extra, *more
        )
        assert said.code == 2, said.err
        assert said.out == ""
        assert said.err.startswith("paretune: ")
        assert "Traceback" not in said.err
        assert len(said.err.splitlines()) == lines, said.err
        assert not out.exists()
        return said.err

    return run


def test_a_missing_model_file(refused, tmp_path):
    assert "absent.onnx" in refused(tmp_path / "absent.onnx")


def test_a_truncated_model_file(refused, files, tmp_path):
    whole = (files / "tiny.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    assert "is not a whole ONNX file" in refused(tmp_path / "cut.onnx")


def test_a_model_of_no_known_form(refused):
    assert "no-such-model" in refused("no-such-model")


def test_an_unsupported_operator(refused, files, tmp_path):
    import onnx

    model = onnx.load(files / "tiny.onnx")
    model.graph.node[1].op_type = "Frobnicate"
    onnx.save(model, tmp_path / "odd.onnx")
    assert "unsupported operator Frobnicate" in refused(tmp_path / "odd.onnx")


def test_a_pickle_offered_as_weights(refused, tmp_path):
    file = tmp_path / "weights.bin"
    file.write_bytes(pickle.dumps({"weight": 1}))
    said = refused(f"{NETS}:digits@{file}", None, "--input-shape", "1x8x8")
    assert "are a pickle" in said
    assert "safetensors" in said


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("raising", "calling it raised RuntimeError: no weights today"),
        ("not_a_module", "returned int: it must return a torch.nn.Module"),
        ("absent", "has no absent"),
    ],
)
def test_a_factory_that_gives_no_module(refused, factory, said):
    assert said in refused(f"{NETS}:{factory}")


def test_missing_data(refused, tmp_path):
    assert "absent" in refused(None, tmp_path / "absent")


def test_an_empty_data_folder(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "holds no images" in refused(None, tmp_path / "empty")


def images(folder, classes=2, each=60):
    x, _ = digits()
    for name in range(classes):
        (folder / str(name)).mkdir(parents=True)
        for index in range(each):
            pixels = np.rint(x[name * each + index, 0] * 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / str(name) / f"{index}.png")
    return folder


def test_one_class_only(refused, tmp_path):
    assert "only one class" in refused(None, images(tmp_path / "one", classes=1))


def test_more_than_a_few_unreadable_images(refused, tmp_path):
    folder = images(tmp_path / "data")
    for index in range(10):
        (folder / "0" / f"{index}.png").write_bytes(b"no image")
    said = refused(None, folder, "--preprocess", "unit")
    assert "10 unreadable images among 120, more than 5%" in said


def test_a_few_unreadable_images_are_skipped(paretune, files, tmp_path):
    folder = images(tmp_path / "data")
    (folder / "0" / "7.png").write_bytes(b"no image")
    said = paretune(
        "optimize", files / "tiny.onnx", "--data", folder, "--preprocess", "unit", "--dry-run"
    )
    assert said.code == 0
    assert "train 49, search 35, holdout 35" in said.out


def test_labels_out_of_the_models_range(refused, tmp_path):
    x, y = digits()
    np.savez(tmp_path / "d.npz", image=x[:200], y=y[:200] + 5)
    said = refused(None, tmp_path / "d.npz")
    assert "the model has 10 classes: labels must be 0 to 9" in said


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 9, 8), (1, 8)])
def test_a_wrong_channel_count_or_size(refused, tmp_path, shape):
    np.savez(tmp_path / "d.npz", image=np.zeros((150, *shape), np.float32), y=np.arange(150) % 2)
    said = refused(None, tmp_path / "d.npz")
    assert "image" in said


def test_outputs_that_are_not_finite(refused, tmp_path):
    write_onnx(tmp_path / "nan.onnx", nan_after=19.0)
    said = refused(tmp_path / "nan.onnx")
    assert "the model output is NaN or infinite for" in said
    assert "check weights and preprocessing" in said


def test_too_few_samples_says_how_many_are_needed(refused, tmp_path):
    x, y = digits()
    np.savez(tmp_path / "d.npz", image=x[:50], y=y[:50])
    assert "has 50 samples and its three splits need at least 100" in refused(
        None, tmp_path / "d.npz"
    )


def test_a_constraint_that_does_not_parse_is_pointed_at(refused):
    said = refused(None, None, "--constraint", "latency <= five ms", lines=3)
    first, text, caret = said.splitlines()
    assert "cannot be read at character 12" in first
    assert text[caret.index("^") :].startswith("five")


def test_a_constraint_on_an_unknown_metric(refused):
    assert "unknown metric 'beauty'" in refused(None, None, "--constraint", "beauty > 3", lines=3)


def test_an_unknown_metric_function(refused):
    assert "unknown metric 'f1'" in refused(None, None, "--metric", "f1")


def test_a_metric_that_raises(refused):
    said = refused(None, None, "--metric", "tests.measure.test_accuracy:raising")
    assert "raised ValueError: no such thing" in said


def test_a_file_where_the_output_folder_should_be(refused, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "is a file" in refused(None, None, "--out", tmp_path / "file")
    assert "cannot be written" in refused(None, None, "--out", tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"


def test_an_output_folder_on_a_file_system_that_takes_nothing(refused):
    assert "cannot be written" in refused(None, None, "--out", "/proc/paretune")


def test_an_output_folder_that_holds_another_run(refused, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "run.json").write_text('{"request": "0"}\n')
    assert "holds another run: give --resume" in refused(None, None, "--out", other)
    assert "something else" in refused(None, None, "--out", other, "--resume")
    assert [path.name for path in other.iterdir()] == ["run.json"]


def test_an_output_folder_of_other_things(refused, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    assert "is not empty: give another --out" in refused(None, None, "--out", tmp_path)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--threads", "1000"), "1000 threads were asked for but this process may use"),
        (("--threads", "0"), "no list of whole numbers above 0"),
        (("--budget", "0"), "a budget of 0 leaves no time"),
        (("--budget", "soon"), "is not a duration: write 90s, 30m or 1.5h"),
        (("--batch", "0"), "holds no sample: give --batch 1 or more"),
        (("--precisions", "f33"), "precision 'f33' is unknown: give one of f32"),
        (("--runtimes", "abacus"), "there is no runtime named 'abacus': choose from"),
        (("--objective", "beauty"), "unknown objective 'beauty'"),
        (("--objective", "cost"), "needs the price of the machine: give --price-per-hour"),
        (("--effort", "search"), "came as a file"),
        (("--effort", "all"), "effort 'all' is unknown"),
        (("--preprocess", "magic"), "neither imagenet nor unit nor a JSON file"),
        (("--input-shape", "3xx"), "is no shape: write 3x224x224"),
        (("--json", "/no/such/folder/a.json"), "there is no folder /no/such/folder"),
        (("--nonsense",), "No such option: --nonsense"),
    ],
)
def test_options_that_cannot_be_served(refused, more, said):
    assert said in refused(None, None, *more)


def test_something_else_than_a_record_to_set_the_report_against(refused, tmp_path):
    assert "no.json cannot be read" in refused(None, None, "--against", tmp_path / "no.json")
    (tmp_path / "list.json").write_text("[1, 2]")
    assert "is no record of measurements" in refused(
        None, None, "--against", tmp_path / "list.json"
    )


def test_a_runtime_that_is_not_installed(refused, monkeypatch):
    monkeypatch.setenv(registry.ADDED, misbehaving.named(absent=misbehaving.Absent))
    said = refused(None, None, "--runtimes", "absent")
    assert "no-such-distribution is not installed: pip install no-such-distribution" in said


def test_more_threads_than_cores_in_a_bench(paretune, files):
    cores = machine.detect().physical_cores
    said = paretune("bench", files / "tiny.onnx", "--threads", cores + 1, "--quiet")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert f"give --threads 1 to {cores}" in said.err


@pytest.mark.skipif(bool(machine.detect().gpus), reason="there is a CUDA device")
@pytest.mark.parametrize("command", ["bench", "optimize"])
def test_a_gpu_that_is_not_there(paretune, files, tmp_path, command):
    data = ("--data", files / "digits.npz", "--out", tmp_path / "out")
    words = data if command == "optimize" else ()
    said = paretune(command, files / "tiny.onnx", "--device", "cuda", "--quiet", *words)
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "this machine shows no CUDA GPU: give cpu" in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["torch-graph", "onnxruntime-cuda", "onnxruntime-tensorrt"])
def test_a_runtime_for_gpus_alone(paretune, files, name):
    said = paretune("bench", files / "tiny.onnx", "--runtimes", name, "--quiet")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert f"runtime {name} does not run on cpu: leave it out, or give another --device" in said.err


@pytest.mark.parametrize("option", [("--seconds", "0"), ("--starts", "0")])
def test_a_bench_without_time(paretune, files, option):
    said = paretune("bench", files / "tiny.onnx", "--quiet", *option)
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "a bench needs time" in said.err


def test_a_baseline_that_no_variant_has(paretune, files):
    said = paretune(
        "bench", files / "tiny.onnx", "--runtimes", "onnxruntime", "--precisions", "f32",
        "--threads", "1", "--baseline", "abacus", "--quiet",
    )  # fmt: skip
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "no variant is named like the baseline 'abacus'" in said.err


def test_an_artifact_that_is_none(paretune, tmp_path):
    said = paretune("predict", tmp_path, "image.png")
    assert (said.code, len(said.err.splitlines())) == (2, 1)


def test_a_report_of_no_run(paretune, tmp_path):
    said = paretune("report", tmp_path)
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "give the folder of a finished run" in said.err
    (tmp_path / "result.json").write_text("{}")
    assert "is no result of schema 1" in paretune("report", tmp_path).err


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(mount).returncode:
        pytest.skip("only root can make a small file system here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("full", ["home", "out"])
def test_a_full_disk(files, small_disk, tmp_path, full):
    where = {"home": tmp_path / "home", "out": tmp_path / "out"} | {full: small_disk / full}
    filler = small_disk / "filler"
    with filler.open("wb") as file, contextlib.suppress(OSError):
        file.write(b"0" * 290_000)
    done = subprocess.run(
        [
            sys.executable, "-m", "paretune", "optimize", str(files / "tiny.onnx"),
            "--data", str(files / "digits.npz"), "--runtimes", "onnxruntime", "--precisions", "f32",
            "--threads", "1", "--budget", "6s", "--quiet", "--out", str(where["out"]),
        ],
        env=environment(PARETUNE_HOME=str(where["home"])),
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("paretune: ")
    assert "room" in done.stderr or "space" in done.stderr or "full" in done.stderr
    assert not (where["out"] / "result.json").exists()


def test_a_data_file_that_would_have_to_be_unpickled(refused, tmp_path):
    np.savez(tmp_path / "d.npz", x=np.asarray([Path("a"), Path("b")], dtype=object))
    assert "cannot be read as .npz" in refused(None, tmp_path / "d.npz")


def test_a_seed_below_nought(refused):
    assert "--seed" in refused(None, None, "--seed", "-1")


def test_a_json_file_that_may_not_be_written(paretune, files, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    said = paretune("bench", files / "tiny.onnx", "--json", tmp_path / "x.json")
    assert said.code == 2
    assert "may not be written: give another place" in said.err


def test_a_folder_named_like_a_file(refused, tmp_path):
    (tmp_path / "model.onnx").mkdir()
    assert "is a folder" in refused(tmp_path / "model.onnx")


def test_what_the_system_refuses_is_one_line(paretune, files, tmp_path, monkeypatch):
    def shut(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", "/root/photos")

    # The package names a function so, too.
    monkeypatch.setattr(import_module("paretune.pipeline.optimize"), "bring_in", shut)
    data = files / "digits.npz"
    said = paretune("optimize", files / "tiny.onnx", "--data", data, "--out", tmp_path / "o")
    assert said.code == 2
    assert said.err.strip().splitlines()[-1].startswith("paretune: /root/photos: Permission denied")
