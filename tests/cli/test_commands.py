import csv
import json
import re
import shutil
import subprocess
import sys

import pytest

import paretune as library
from tests.pipeline.conftest import environment
from tests.report.hardware.test_machines import record, timed

WIDTH = 100


def optimise(paretune, files, out, *more, data="digits.npz"):
    return paretune(
        "optimize",
        files / "tiny.onnx",
        "--data",
        files / data,
        "--runtimes",
        "onnxruntime",
        "--precisions",
        "f32",
        "--threads",
        "1",
        "--budget",
        "6s",
        "--out",
        out,
        *more,
    )


def check_tables(text):
    """Nothing is wider than a report on paper."""
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.fixture(scope="module")
def artifact(files, tmp_path_factory):
    """What optimising the model on images leaves: preprocessing and labels are inside."""
    from paretune.pipeline import optimize

    out = tmp_path_factory.mktemp("artifact") / "out"
    optimize(
        str(files / "tiny.onnx"),
        str(files / "images"),
        out=out,
        preprocessing="unit",
        runtimes=("onnxruntime",),
        precisions=("f32",),
        threads=(1,),
        budget="6s",
    )
    return out / "artifact"


def test_version(paretune):
    said = paretune("--version")
    assert (said.code, said.out) == (0, f"{library.__version__}\n")


def test_without_words_it_explains_itself(paretune):
    said = paretune()
    assert said.code == 0
    for command in (
        "devices",
        "bench",
        "compare",
        "frontier",
        "gap",
        "roofline",
        "optimize",
        "predict",
        "report",
        "demo",
    ):
        assert command in said.out


def test_devices_prints_only_json_where_json_is_asked_for(paretune):
    said = paretune("devices", "--json", "-")
    target = json.loads(said.out)
    assert target["cpu"]
    assert said.err == ""


def test_devices_names_the_machine_and_every_runtime(paretune):
    said = paretune("devices")
    for word in ("openvino", "onnxruntime", "torch-eager", "torch-compile", "cores"):
        assert word in said.out
    check_tables(said.out)


def test_optimize_ends_in_a_table_and_the_reports_place(paretune, files, tmp_path):
    said = optimise(paretune, files, tmp_path / "a run", "--json", tmp_path / "copy.json")
    assert said.code == 0
    assert f"report: {tmp_path / 'a run' / 'report.html'}" in said.out
    check_tables("\n".join(line for line in said.out.splitlines() if "report:" not in line))
    assert "onnxruntime f32" in said.out
    assert re.search(r"\[ +\d+\.\d s\] .*race", said.err)
    own = json.loads((tmp_path / "a run" / "result.json").read_text())
    assert json.loads((tmp_path / "copy.json").read_text()) == own


def test_a_constraint_that_nothing_meets_is_exit_code_3_with_the_best_there_is(
    paretune, files, tmp_path
):
    said = optimise(
        paretune, files, tmp_path / "out", "--constraint", "latency <= 0.001 us", "--quiet"
    )
    assert (said.code, said.out, said.err) == (3, "", "")
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    missed = result["constraints"][1]
    assert missed["text"] == "latency <= 0.001 us"
    assert missed["satisfied"] is False
    assert missed["value"] > 1e-6
    assert result["chosen"] == result["best_compiled_baseline"]
    assert "latency &lt;= 0.001 us" in (tmp_path / "out" / "report.html").read_text()
    with library.load(tmp_path / "out" / "artifact"):
        pass


def test_json_on_standard_output_stands_alone(paretune, files, tmp_path):
    said = optimise(paretune, files, tmp_path / "out", "--json", "-")
    assert json.loads(said.out)["schema"] == 1


def test_a_dry_run_says_what_would_be_done_and_does_nothing(paretune, files, tmp_path):
    said = optimise(paretune, files, tmp_path / "out", "--dry-run")
    assert said.code == 0
    assert "programs: onnxruntime f32" in said.out
    assert "train 120, search 90, holdout 90" in said.out
    assert not (tmp_path / "out").exists()


def test_bench_prints_ratios_and_writes_csv_and_json(paretune, files, tmp_path):
    said = paretune(
        "bench",
        files / "tiny.onnx",
        "--runtimes",
        "onnxruntime,openvino",
        "--precisions",
        "f32",
        "--threads",
        "1",
        "--batch",
        "1,8",
        "--seconds",
        "0.2",
        "--starts",
        "2",
        "--baseline",
        "onnxruntime/f32/t1s1b1",
        "--csv",
        tmp_path / "b.csv",
        "--json",
        tmp_path / "b.json",
    )
    assert said.code == 0
    check_tables(said.out)
    record = json.loads((tmp_path / "b.json").read_text())
    assert record["schema"] == 1
    assert record["target"]["cpu"]
    assert record["baseline"] == "tiny/onnxruntime/f32/t1s1b1"
    assert len(record["variants"]) == 4
    assert {ratio["id"] for ratio in record["ratios"]} == {v["id"] for v in record["variants"]} - {
        record["baseline"]
    }
    assert all(v["latency_ms"]["p50"] > 0 for v in record["variants"])
    with (tmp_path / "b.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert "inputs are random" in said.out


def test_a_frontier_is_a_table_records_and_a_chart(paretune, files, tmp_path):
    (tmp_path / "known.csv").write_text("model,top1\ntiny,91.5\n")
    words = ["frontier", files / "tiny.onnx", "--accuracy", tmp_path / "known.csv"]
    words += ["--precisions", "f32", "--threads", "1", "--seconds", "0.2", "--starts", "1"]
    said = paretune(*words, "--out", tmp_path / "out")
    assert said.code == 0, said.err
    assert said.out.startswith("Nobody beats tiny@8 f32.")
    assert "91.5" in said.out
    for suffix in ("png", "svg", "html"):
        assert (tmp_path / "out" / f"frontier.{suffix}").is_file()
    again = paretune(*words, "--out", tmp_path / "out")
    assert (again.code, again.err.count("\n")) == (2, 1)
    (tmp_path / "known.csv").write_text("model,top1\ntiny,high\n")
    wrong = paretune(*words, "--out", tmp_path / "other", "--quiet")
    assert "top1 of tiny is no percentage" in wrong.err
    assert not (tmp_path / "other").exists()


def test_a_roofline_tells_the_limits_and_the_worst_layers(paretune, files, tmp_path):
    words = ["roofline", files / "tiny.onnx", "--threads", "1"]
    said = paretune(*words, "--out", tmp_path / "roof", "--json", tmp_path / "r.json")
    assert said.code == 0, said.err
    assert "GMAC/s" in said.out
    assert "1. " in said.out
    assert (tmp_path / "roof" / "roofline.png").is_file()
    assert json.loads((tmp_path / "r.json").read_text())["peaks"]["threads"] == 1
    unknown = paretune(*words, "--precision", "int4")
    assert (unknown.code, unknown.err.count("\n")) == (2, 1)


def test_a_gap_has_a_table_and_a_chart_and_reads_prices(paretune, tmp_path):
    from tests.report.hardware.test_gap import CPU, GPU, gpu
    from tests.report.hardware.test_machines import timed

    for name, made in (("cpu", CPU), ("gpu", GPU)):
        (tmp_path / f"{name}.json").write_text(made.model_dump_json(by_alias=True))
    files = [tmp_path / "cpu.json", tmp_path / "gpu.json"]
    said = paretune("gap", *files, "--price", "gpu=2.5", "--out", tmp_path / "gap")
    assert said.code == 0, said.err
    assert said.out.startswith(
        "net, one call at a time: a (2 cores, AVX2) is slower than G1 by as it came 40.00x"
    )
    check_tables("\n".join(line for line in said.out.splitlines() if str(tmp_path) not in line))
    assert (tmp_path / "gap" / "gap.svg").is_file()
    both = gpu(*GPU.variants, timed("other", 2.0, runtime="torch-eager", device="cuda"))
    files[1].write_text(both.model_dump_json(by_alias=True))
    several = paretune("gap", *files, "--json", tmp_path / "several.json")
    assert several.out.startswith(
        "2 models, one call at a time: a (2 cores, AVX2) is slower than G1 by"
    )
    check_tables(several.out)
    told = json.loads((tmp_path / "several.json").read_text())
    assert [one["model"] for one in told["models"]] == ["net", "other"]
    for price in ("gpu", "=2", "gpu=dear"):
        wrong = paretune("gap", *files, "--price", price)
        assert (wrong.code, wrong.err.count("\n")) == (2, 1)
        assert "does not read as RECORD=USD" in wrong.err


def test_suggest_refuses_what_cannot_be_judged_before_training(paretune):
    words = ["suggest", "--data-like", "3x64x64", "--classes", "10"]
    said = paretune(*words, "--constraint", "accuracy >= 80 %")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "cannot be judged before training" in said.err


def test_records_of_two_machines_are_compared(paretune, tmp_path):
    files = [tmp_path / "new.json", tmp_path / "old.json"]
    new = record(timed("x", 2.0), timed("y", 3.0))
    old = record(timed("x", 8.0), timed("y", 5.0), cap="avx2")
    for file, made in zip(files, (new, old), strict=True):
        file.write_text(made.model_dump_json(by_alias=True))
    said = paretune("compare", *files, "--json", tmp_path / "c.json")
    assert said.code == 0
    check_tables(said.out)
    assert said.out.startswith("1 pair of models changes places:")
    assert "old: a (2 cores, capped at avx2, emulated)" in said.out
    found = json.loads((tmp_path / "c.json").read_text())
    assert found["reversals"][0]["first"] == "x"
    alone = paretune("compare", files[0])
    assert (alone.code, alone.err.count("\n")) == (2, 1)
    assert "at least two records" in alone.err
    twice = paretune("compare", files[0], files[0])
    assert "given twice" in twice.err
    unknown = paretune("compare", *files, "--by", "colour")
    assert "give model or variant" in unknown.err


def test_an_unreadable_image_is_left_out_and_counted(artifact):
    dataset = json.loads((artifact.parent / "result.json").read_text())["dataset"]
    assert dataset["skipped"] == 1
    assert dataset["train"] + dataset["search"] + dataset["holdout"] == 200


def test_predict_tells_labels_of_images(paretune, files, artifact, tmp_path):
    images = sorted((files / "images").rglob("*.png"))[::20]
    said = paretune("predict", artifact, *images, "--json", tmp_path / "p.json")
    assert said.code == 0
    lines = said.out.splitlines()
    right = sum(image.parent.name in line for image, line in zip(images, lines, strict=True))
    assert right >= 9  # the folder's name stands in the path, too: see the JSON
    record = json.loads((tmp_path / "p.json").read_text())
    labels = [prediction["top"][0]["label"] for prediction in record["predictions"]]
    assert sum(a == image.parent.name for a, image in zip(labels, images, strict=True)) >= 9


def test_report_writes_the_page_again(paretune, files, artifact, tmp_path):
    shutil.copytree(artifact.parent, tmp_path / "run")
    (tmp_path / "run" / "report.html").unlink()
    said = paretune("report", tmp_path / "run", "--charts")
    assert said.code == 0
    assert (tmp_path / "run" / "report.html").exists()
    written = [line for line in said.out.splitlines() if line]
    assert any(line.endswith(".svg") for line in written)
    assert any(line.endswith(".png") for line in written)


def test_report_sets_a_run_against_other_machines(paretune, artifact, tmp_path):
    from tests.report.hardware.test_against import gpu, timed

    run, file = tmp_path / "run", tmp_path / "gpu.json"
    shutil.copytree(artifact.parent, run)
    name = json.loads((run / "result.json").read_text())["variants"][0]["architecture"]
    other = gpu(timed(name, 0.01, runtime="torch-graph", precision="f16", device="cuda"))
    file.write_text(other.model_dump_json(by_alias=True))
    assert paretune("report", run, "--against", file).code == 0
    file.unlink()
    assert paretune("report", run, "--charts").code == 0  # it was kept with the run
    assert "is slower than G1 by as it came" in (run / "report.html").read_text()
    assert (run / "charts" / "gap.png").exists()


@pytest.mark.parametrize("plain", [True, False])
def test_colours_stay_away_where_nobody_sees_them_or_wants_them(plain):
    more = {"NO_COLOR": "1"} if plain else {"FORCE_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "paretune", "devices"],
        env=environment(**more),
        capture_output=True,
        text=True,
    )
    assert ("\x1b[" in done.stdout) != plain
