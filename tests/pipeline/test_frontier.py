"""A family of models on this machine: measured one by one, resumed, drawn."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from paretune.core import InputError, MissingPackageError
from paretune.pipeline.bench import bench
from paretune.pipeline.frontier import _given, frontier
from paretune.pipeline.presets import names, preset
from tests.pipeline.conftest import Told, environment
from tests.pipeline.tiny import write_digits, write_onnx

OPTIONS = {"threads": (1,), "precisions": ("f32",), "seconds": 0.2, "starts": 1}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frontier")
    write_onnx(folder / "small.onnx")
    write_onnx(folder / "large.onnx")
    (folder / "broken.onnx").write_bytes(b"none")
    write_digits(folder / "digits.npz", 300)
    return folder


@pytest.fixture(scope="module")
def drawn(files, tmp_path_factory):
    """Two models with accuracies given, and one that cannot be read."""
    out = tmp_path_factory.mktemp("drawn") / "out"
    models = [str(files / f"{name}.onnx") for name in ("small", "broken", "large")]
    accuracy = {"small": 0.7, "large": 0.9}
    return out, models, frontier(models, accuracy=accuracy, out=out, **OPTIONS)


def test_every_model_has_a_point_or_a_reason(drawn):
    out, _, found = drawn
    assert {(p.model, p.accuracy, p.source) for p in found.points} == {
        ("small@8", 0.7, "as given"),
        ("large@8", 0.9, "as given"),
    }
    assert list(found.left_out) == ["broken"]
    assert "is not a whole ONNX file" in found.left_out["broken"]
    assert any(p.model == "large@8" and p.variant in found.frontier for p in found.points)
    assert json.loads((out / "frontier.json").read_text())["frontier"] == list(found.frontier)


def test_a_resumed_frontier_measures_only_what_is_missing(drawn):
    out, models, found = drawn
    kept = sorted((out / "records").iterdir())
    assert len(kept) == 2
    before = kept[0].read_bytes()
    kept[1].unlink()
    told = Told()
    again = frontier(
        models, accuracy={"small": 0.7, "large": 0.9}, out=out, resume=True, progress=told,
        **OPTIONS,
    )  # fmt: skip
    assert kept[0].read_bytes() == before
    assert kept[1].is_file()
    assert {p.model for p in again.points} == {p.model for p in found.points}
    with pytest.raises(InputError, match="give --resume"):
        frontier(models, out=out, **OPTIONS)
    with pytest.raises(InputError, match="asked for something else"):
        frontier(models, out=out, resume=True, **OPTIONS | {"seconds": 0.3})


def test_a_model_of_ones_own_that_changed_is_measured_again(files, tmp_path):
    mine, asked = tmp_path / "mine.onnx", {"accuracy": {"mine": 0.7}, "out": tmp_path / "out"}
    write_onnx(mine)
    frontier([str(mine)], **asked, **OPTIONS)
    (file,) = (tmp_path / "out" / "records").iterdir()
    before = file.read_bytes()
    frontier([str(mine)], resume=True, **asked, **OPTIONS)
    assert file.read_bytes() == before
    write_onnx(mine, features=True)
    frontier([str(mine)], resume=True, **asked, **OPTIONS)
    assert json.loads(file.read_text())["digests"] != json.loads(before)["digests"]


def test_a_model_that_is_gone_is_drawn_as_it_was_measured(files, tmp_path):
    mine, asked = tmp_path / "mine.onnx", {"accuracy": {"mine": 0.7}, "out": tmp_path / "out"}
    write_onnx(mine)
    first = frontier([str(mine)], **asked, **OPTIONS)
    mine.unlink()
    told = Told()
    again = frontier([str(mine)], resume=True, progress=told, **asked, **OPTIONS)
    assert again.points == first.points
    assert any("is drawn as it was measured before" in note for note in told.notes)


def test_what_could_not_be_measured_is_tried_again(files, tmp_path, monkeypatch):
    module = sys.modules["paretune.pipeline.frontier"]
    real = module.bench

    def killed(*args, **options):
        made = real(*args, **options)
        failed = [
            v.model_copy(update={"status": "failed", "reason": "killed"}) for v in made.variants
        ]
        return made.model_copy(update={"variants": tuple(failed)})

    asked = {"accuracy": {"small": 0.7}, "out": tmp_path / "out"}
    with monkeypatch.context() as short:
        short.setattr(module, "bench", killed)
        found = frontier([str(files / "small.onnx")], **asked, **OPTIONS)
    assert (found.points, found.left_out) == ((), {"small": "killed"})
    assert len(frontier([str(files / "small.onnx")], resume=True, **asked, **OPTIONS).points) == 1


def test_what_is_wrong_with_a_preset_or_an_added_file_is_said_before_measuring(
    files, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"typo\.json cannot be read"):
        frontier([str(files / "small.onnx")], add=[tmp_path / "typo.json"], out=out, **OPTIONS)
    monkeypatch.setattr(sys.modules["paretune.pipeline.frontier"], "find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match=r"needs timm: pip install .paretune\[timm\]"):
        frontier(preset_name="imagenet-cpu", out=out, **OPTIONS)
    assert not out.exists()


def test_given_accuracies_are_of_weights_and_of_a_network_where_that_is_plain():
    given = _given({"net.a1_in1k@224": 0.8, "net.tv_in1k@224": 0.7, "other.a_in1k@224": 0.6})
    assert {name: known.top1 for name, known in given.items()} == {
        "net.a1_in1k@224": 0.8,
        "net.tv_in1k@224": 0.7,
        "other.a_in1k@224": 0.6,
        "other@224": 0.6,
    }


def test_accuracy_is_measured_where_data_is_given(files, tmp_path):
    found = frontier(
        [str(files / "small.onnx")], data=str(files / "digits.npz"), out=tmp_path / "out", **OPTIONS
    )
    (point,) = found.points
    assert point.source == "measured"
    assert point.accuracy > 0.8
    assert point.accuracy_ci95 is not None
    assert point.own


def test_data_that_cannot_be_read_is_refused_once_and_before_anything(files, tmp_path):
    with pytest.raises(InputError, match="imagnet"):
        frontier(
            [str(files / "small.onnx")], data=str(tmp_path / "imagnet"), out=tmp_path / "out",
            **OPTIONS,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_a_frontier_is_not_resumed_with_other_samples(files, tmp_path):
    data, asked = tmp_path / "digits.npz", {"out": tmp_path / "out", **OPTIONS}
    write_digits(data, 300)
    frontier([str(files / "small.onnx")], data=str(data), **asked)
    write_digits(data, 200)
    with pytest.raises(InputError, match="begun with other data"):
        frontier([str(files / "small.onnx")], data=str(data), resume=True, **asked)


def test_a_record_whose_accuracy_is_of_other_data_has_a_frontier_of_its_own(files, tmp_path):
    data, mine = str(files / "digits.npz"), tmp_path / "mine.json"
    record = bench([str(files / "small.onnx")], runtimes=("openvino",), data=data, **OPTIONS)
    assert (record.metric, bool(record.data)) == ("top1", True)
    mine.write_text(record.model_dump_json(by_alias=True))
    found = frontier(
        [str(files / "large.onnx")], accuracy={"large": 0.9}, add=[mine], out=tmp_path / "out",
        **OPTIONS,
    )  # fmt: skip
    assert {(p.model, p.scale) for p in found.points} == {
        ("large@8", "published"),
        ("small@8", f"measured on {record.data}"),
    }
    assert {p.variant for p in found.points} == set(found.frontier)


def test_a_model_without_accuracy_and_a_record_of_another_machine_are_told(drawn, tmp_path):
    out, models, _ = drawn
    found = frontier(models[:1], out=tmp_path / "bare", **OPTIONS)
    assert found.points == ()
    assert "no accuracy is known" in found.left_out["small@8"]
    record = json.loads(next((out / "records").iterdir()).read_text())
    other = tmp_path / "other.json"
    # Another generation may call itself alike.
    for differs, said in (({"cpu": "Other"}, r"on Other \("), ({"isa": ["sve"]}, r"cores?, SVE\)")):
        other.write_text(json.dumps(record | {"target": record["target"] | differs}))
        with pytest.raises(InputError, match=f"was measured .*{said}"):
            frontier(add=[other], out=tmp_path / str(differs), **OPTIONS)


def test_nothing_asked_for_and_an_unknown_preset_are_refused(tmp_path):
    with pytest.raises(InputError, match="a frontier needs models"):
        frontier(out=tmp_path / "out")
    with pytest.raises(InputError, match="no preset 'imagenet-gpu': give one of imagenet-cpu"):
        frontier(preset_name="imagenet-gpu", out=tmp_path / "out")
    for wrong, said in (
        ({"runtimes": ("tvm",)}, "no runtime named 'tvm'"),
        ({"precisions": ("int4",)}, "precision 'int4' is unknown"),
        ({"threads": (999,)}, "999 threads"),
        ({"seconds": 0.0}, "needs time"),
    ):
        with pytest.raises(InputError, match=said):
            frontier(["x.onnx"], out=tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", names())
def test_a_preset_has_sound_facts(name):
    known = preset(name)
    assert len(known) >= 25
    assert len({k.model for k in known}) == len(known)
    for one in known:
        assert 0.5 < one.top1 < 0.95
        assert 96 <= one.img_size <= 512
        assert one.text == f"timm:{one.model}@random"


def test_a_killed_frontier_keeps_every_model_that_was_measured(files, tmp_path):
    out = tmp_path / "out"
    accuracy = tmp_path / "accuracy.csv"
    accuracy.write_text("model,top1\nsmall,70\nlarge,90\n")
    words = [
        sys.executable, "-m", "paretune", "frontier", str(files / "small.onnx"),
        str(files / "large.onnx"), "--accuracy", str(accuracy), "--precisions", "f32",
        "--threads", "1", "--seconds", "0.2", "--starts", "1", "--out", str(out),
    ]  # fmt: skip
    surroundings = environment(PARETUNE_HOME=str(tmp_path / "home"))
    process = subprocess.Popen(words, env=surroundings, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(out.glob("records/*.json")):
        time.sleep(0.01)
    process.kill()
    process.wait()
    kept = [(file, file.read_bytes()) for file in (out / "records").iterdir()]
    assert [json.loads(text)["schema"] for _, text in kept] == [1]
    assert not (out / "frontier.json").exists()
    done = subprocess.run(
        [*words, "--resume"], env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(file.read_bytes() == text for file, text in kept)
    points = json.loads((out / "frontier.json").read_text())["points"]
    assert {point["model"] for point in points} == {"small@8", "large@8"}


def test_what_a_model_does_not_say_is_said_for_it(tmp_path):
    nets, shape = "tests.pipeline.nets:digits", (1, 8, 8)
    plain = frontier([nets], out=tmp_path / "plain", **OPTIONS)
    assert "input_shape" in next(iter(plain.left_out.values()))
    given = {"accuracy": {"digits": 0.9}, "input_shape": shape}
    found = frontier([nets], out=tmp_path / "shaped", **given, **OPTIONS)
    assert not found.left_out
    with pytest.raises(InputError, match="neither"):
        frontier([nets], preprocessing="imagenot", out=tmp_path / "misspelt", **OPTIONS)
    assert not (tmp_path / "misspelt").exists()
