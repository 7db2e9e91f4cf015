import re

import numpy as np
import pytest

import paretune
import paretune.pipeline
from paretune.core import UNLABELLED_CONSTRAINTS, InputError, TensorSpec
from paretune.data import load_data
from paretune.measure import THROUGHPUT
from paretune.pipeline import optimize, racing, screening
from paretune.pipeline.intake import bring_in
from paretune.pipeline.request import Request
from paretune.runtimes import registry
from paretune.sources import load_model
from paretune.store import Store
from tests.compress import misbehaving
from tests.pipeline.conftest import Told, run
from tests.pipeline.tiny import digits, write_two_inputs


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)


def check_estimate(estimate):
    assert is_number(estimate["value"])
    low, high = estimate["ci95"]
    assert low <= estimate["value"] <= high


def check_variant(variant):
    """An entry of `variants`, as the contract has it."""
    assert variant["id"]
    assert variant["status"] in ("ok", "failed", "rejected")
    assert variant["runtime"] in registry.names()
    assert variant["precision"] in ("f32", "tf32", "bf16", "f16", "int8")
    assert {type(variant[key]) for key in ("threads", "streams", "batch")} == {int}
    if variant["status"] == "failed":
        assert variant["reason"]
        return
    latency = variant["latency_ms"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]
    low, high = latency["ci95"]
    assert low <= latency["p50"] <= high
    assert latency["n"] > 10
    for figure in ("throughput_per_s", "peak_memory_mb", "size_mb"):
        assert variant[figure] > 0
    accuracy = variant["accuracy"]
    assert accuracy["split"] == "search"
    low, high = accuracy["ci95"]
    assert 0 <= low <= accuracy["value"] <= high <= 1
    assert accuracy["n"] > 0


@pytest.mark.parametrize("which", ["module_run", "onnx_run"])
def test_the_result_keeps_the_contract(request, which):
    result = request.getfixturevalue(which).json
    assert result["schema"] == 1
    assert isinstance(result["model"], str)
    assert result["target"]["cpu"]
    assert result["target"]["physical_cores"] >= 1
    dataset = result["dataset"]
    assert (dataset["train"], dataset["search"], dataset["holdout"]) == (719, 539, 539)
    assert dataset["metric"] == "top1"
    ids = [variant["id"] for variant in result["variants"]]
    assert len(ids) == len(set(ids))
    assert {result["baseline"], result["best_compiled_baseline"], result["chosen"]} <= set(ids)
    for variant in result["variants"]:
        check_variant(variant)
    for constraint in result["constraints"]:
        assert constraint["text"]
        assert isinstance(constraint["satisfied"], bool)
        assert is_number(constraint["value"])
    holdout = result["holdout"]
    for side in ("baseline", "chosen"):
        assert holdout[side]["split"] == "holdout"
        assert holdout[side]["n"] == 539
    check_estimate(holdout["drop"])
    for ratio in ("latency_vs_baseline", "latency_vs_best_compiled_baseline"):
        check_estimate(result["ratios"][ratio])
    ledger = result["ledger"]
    assert ledger["wall_s"] > 0
    assert ledger["cpu_s"] > 0
    assert ledger["training_flops"] == ledger["full_training_equivalents"] == 0


def test_what_was_compared_again_lost_by_the_ratio_that_is_claimed(module_run):
    result = module_run.json
    (baseline,) = module_run.variants(id=result["baseline"])
    claimed = result["ratios"]["latency_vs_baseline"]["value"]
    assert baseline["reason"] == f"{claimed:.2f}x the time of the chosen variant"


def test_the_chosen_variant_meets_every_constraint_and_the_rest_say_why_not(module_run):
    result = module_run.json
    assert result["constraints"][0]["text"] == "accuracy >= baseline - 0.5 pt"
    assert all(constraint["satisfied"] for constraint in result["constraints"])
    (chosen,) = module_run.variants(id=result["chosen"])
    assert chosen["status"] == "ok"
    for variant in result["variants"]:
        if variant["id"] != result["chosen"]:
            assert variant["reason"], variant["id"]


def test_a_module_is_held_against_itself_in_eager_pytorch(module_run):
    result = module_run.json
    (baseline,) = module_run.variants(id=result["baseline"])
    assert (baseline["runtime"], baseline["precision"]) == ("torch-eager", "f32")
    assert result["ratios"]["latency_vs_baseline"]["value"] > 1.5
    assert result["ratios"]["latency_vs_baseline"]["ci95"][0] > 1
    assert result["best_compiled_baseline"] == result["chosen"]
    assert result["ratios"]["latency_vs_best_compiled_baseline"]["value"] == 1
    assert {v["runtime"] for v in module_run.variants(status="ok")} == {
        "openvino",
        "onnxruntime",
        "torch-eager",
    }
    assert {v["precision"] for v in module_run.json["variants"]} == {"f32", "int8"}


def test_the_frontier_holds_what_nothing_beats_on_latency_and_accuracy(module_run):
    points = {
        v["id"]: (v["latency_ms"]["p50"], v["accuracy"]["value"])
        for v in module_run.json["variants"]
        if v["status"] != "failed"
    }
    for name, (latency, accuracy) in points.items():
        beaten = any(
            faster <= latency and better >= accuracy and (faster, better) != (latency, accuracy)
            for faster, better in points.values()
        )
        assert (name not in module_run.json["frontier"]) == beaten


def test_the_splits_are_disjoint_and_the_holdout_is_read_after_the_last_choice(module_run, inputs):
    splits = load_data(str(inputs / "digits.npz"), seed=0).splits
    sizes = {name: len(rows) for name, rows in splits.items()}
    assert sizes == {name: module_run.json["dataset"][name] for name in sizes}
    assert len(set(np.concatenate(list(splits.values())).tolist())) == sum(sizes.values())
    prepared = [step for step in module_run.told.steps if "of holdout" in step]
    assert len(prepared) == 1
    choosing = max(
        i for i, step in enumerate(module_run.told.steps) if step.startswith(("final", "start"))
    )
    assert module_run.told.steps.index(prepared[0]) > choosing


def test_every_measurement_is_in_the_journal(module_run):
    measured = {variant["id"] for variant in module_run.json["variants"]}
    assert {entry["id"] for entry in module_run.journal} == measured
    for entry in module_run.journal:
        check_variant(entry)


def test_the_artifact_answers_as_the_model_does(module_run):
    import torch

    from tests.pipeline import nets

    x, y = digits()
    with paretune.load(module_run.out / "artifact") as predictor:
        found = predictor.predict(x[:50])
    with torch.inference_mode():
        expected = nets.digits()(torch.from_numpy(x[:50])).argmax(dim=1).numpy()
    ours = np.asarray([prediction.index for prediction in found])
    assert (ours == expected).mean() >= 0.94  # int8 may have been chosen
    assert (ours == y[:50]).mean() > 0.9


def test_the_report_is_there_and_whole(module_run):
    page = (module_run.out / "report.html").read_text()
    assert page.rstrip().endswith("</html>")
    assert "openvino" in page


def test_stages_are_told_in_order_and_their_seconds_kept(module_run):
    stages = module_run.told.stages
    assert stages[:2] == ["bring in", "baseline"]
    assert stages[-1] == "hand back"
    assert stages.index("compare") < next(i for i, s in enumerate(stages) if "holdout" in s)
    assert list(module_run.json["ledger"]["stages_s"]) == stages
    total = sum(module_run.json["ledger"]["stages_s"].values())
    assert total == pytest.approx(module_run.json["ledger"]["wall_s"], rel=0.05)


def test_layers_of_both_are_told_with_their_precision(module_run):
    layers = module_run.json["layers"]
    said = [c["text"] for c in module_run.json["conditions"] if c["kind"] == "fallback"]
    for name in (module_run.json["baseline"], module_run.json["chosen"]):
        assert name in layers or any(f"no per-layer times of {name}" in text for text in said)
    assert all(layer["microseconds"] >= 0 for rows in layers.values() for layer in rows)


def test_a_repeated_run_measures_only_the_comparison_again(onnx_run, inputs):
    with Store.open(f"sqlite:///{onnx_run.store}") as shelf:
        again = run(
            inputs / "tiny.onnx",
            str(inputs / "digits.npz"),
            onnx_run.out.parent / "second",
            runtimes=("onnxruntime", "openvino"),
            precisions=("f32", "int8"),
            budget="60s",
            store=shelf,
        )
    assert again.json["chosen"] == onnx_run.json["chosen"]
    (said,) = [c["text"] for c in again.json["conditions"] if c["kind"] == "cache"]
    assert re.search(r"^\d+ measurements came from the store", said)
    assert said in again.told.notes
    # What the first run had no time for is left to the second; nothing else is timed again.
    known = {v["id"]: v for v in onnx_run.json["variants"] if v["status"] != "failed"}
    cached = {v["id"]: v for v in again.json["variants"] if v["cached"]}
    assert known.keys() <= cached.keys()
    for name, variant in known.items():
        assert cached[name]["accuracy"] == variant["accuracy"]
    # The claims are fresh: no two comparisons give the same ratio to the last digit.
    before, after = (r.json["ratios"]["latency_vs_best_f32"] for r in (onnx_run, again))
    compared = onnx_run.json["chosen"] != onnx_run.json["baseline"]
    assert not compared or before != after
    chosen = [r.variants(id=onnx_run.json["chosen"])[0]["latency_ms"] for r in (onnx_run, again)]
    assert chosen[0] != chosen[1]
    assert not any(c["kind"] == "cache" for c in onnx_run.json["conditions"])


def test_runtimes_that_fail_are_recorded_and_the_run_goes_on(inputs, own_home, monkeypatch):
    classes = {
        "killed": misbehaving.Killed,
        "raising": misbehaving.Raising,
        "dying-later": misbehaving.DyingLater,
    }
    monkeypatch.setenv(registry.ADDED, misbehaving.named(**classes))
    found = run(
        inputs / "tiny.onnx",
        str(inputs / "unlabelled.npz"),
        own_home.parent / "out",
        runtimes=("onnxruntime", *classes),
        precisions=("f32",),
        budget="60s",
        effort="compile",
    )
    reasons = {v["runtime"]: v["reason"] for v in found.variants(status="failed")}
    assert set(reasons) == set(classes)
    assert "was killed" in reasons["killed"]
    assert "RuntimeError: internal error 42" in reasons["raising"]
    assert "running it failed" in reasons["dying-later"]
    assert found.json["chosen"] == "tiny/onnxruntime/f32/t1s1b1"
    # The data has no labels, so what counts is agreement with the baseline.
    assert found.json["dataset"]["metric"] == "agreement"
    assert found.json["dataset"]["labelled"] is False
    assert found.json["holdout"]["chosen"]["value"] == 1.0


def test_without_labels_the_divergence_from_the_baseline_is_bounded(inputs, own_home):
    found = run(
        inputs / "tiny.onnx",
        str(inputs / "unlabelled.npz"),
        own_home.parent / "out",
        runtimes=("onnxruntime", "openvino"),
        precisions=("f32", "int8"),
        threads=(1,),
        budget="60s",
    )
    held, _ = found.json["constraints"]
    assert tuple(c["text"] for c in found.json["constraints"]) == UNLABELLED_CONSTRAINTS
    (chosen,) = found.variants(id=found.json["chosen"])
    assert held["value"] == chosen["accuracy"]["kl"] <= 0.02
    assert [c["text"] for c in found.json["conditions"] if c["kind"] == "labels"] != []
    assert "Without labels" in (found.out / "report.html").read_text()


def test_divergence_needs_class_scores(inputs):
    model = load_model(
        "tests.pipeline.nets:digits",
        task="other",
        input_shape=(TensorSpec(name="image", shape=(None, 1, 8, 8), dtype="float32"),),
    )
    asked = Request(model="m", data="d", constraints=("divergence <= 0.1 nats",))
    with pytest.raises(InputError, match=r"needs class scores, and .* bound accuracy"):
        bring_in(model, str(inputs / "digits.npz"), asked)


@pytest.mark.parametrize("constraint", ["", "accuracy >= 75 %"])
def test_how_to_loosen_fidelity_is_said_where_nothing_was_asked(constraint, inputs):
    model = load_model(
        "tests.pipeline.nets:digits",
        task="other",
        input_shape=(TensorSpec(name="image", shape=(None, 1, 8, 8), dtype="float32"),),
    )
    asked = Request(model="m", data="d", constraints=(constraint,) if constraint else ())
    text = bring_in(model, str(inputs / "unlabelled.npz"), asked).unlabelled
    assert "accuracy is fidelity with the model as it came" in text
    assert ("--constraint such as 'accuracy >= 75 %'" in text) == (not constraint)


@pytest.fixture
def short_bursts(monkeypatch):
    """Throughput read off a tenth of the usual time: what is tried does not depend on it."""
    short = THROUGHPUT._replace(burst=0.02)
    for module in (racing, screening):
        monkeypatch.setattr(module, "THROUGHPUT", short)


def test_throughput_is_raced_over_streams_and_batches_within_a_latency(
    inputs, own_home, short_bursts
):
    found = run(
        inputs / "tiny.onnx",
        str(inputs / "unlabelled.npz"),
        own_home.parent / "out",
        objective="throughput",
        constraints=("latency_p95 <= 10 s",),
        precisions=("f32",),
        threads=(2,),
        budget="60s",
    )
    *_, bound = found.json["constraints"]
    assert bound["satisfied"]
    assert bound["value"] > 0
    assert all(v["latency_ms"]["n"] > 0 for v in found.variants(status="ok"))
    tried = {(v["streams"], v["batch"]) for v in found.json["variants"]}
    assert {(1, 1), (2, 1)} <= tried
    assert any(batch > 1 for _, batch in tried)
    (chosen,) = found.variants(id=found.json["chosen"])
    assert chosen["throughput_per_s"] > 0
    assert found.json["objective"] == "throughput"


def test_the_smallest_that_meets_the_constraints_is_chosen_for_size(inputs, own_home):
    found = run(
        inputs / "tiny.onnx",
        str(inputs / "digits.npz"),
        own_home.parent / "out",
        objective="size",
    )
    fit = [v for v in found.json["variants"] if v["status"] == "ok"]
    (chosen,) = found.variants(id=found.json["chosen"])
    assert chosen["precision"] == "int8"
    assert chosen["size_mb"] == min(v["size_mb"] for v in fit)


def test_several_inputs_come_from_an_npz_by_name(own_home, tmp_path):
    random = np.random.default_rng(0)
    left = random.standard_normal((200, 4)).astype(np.float32)
    right = random.standard_normal((200, 3)).astype(np.float32)
    np.savez(tmp_path / "two.npz", right=right, left=left, y=np.arange(200) % 3)
    found = run(
        write_two_inputs(tmp_path / "two.onnx"),
        str(tmp_path / "two.npz"),
        tmp_path / "out",
        precisions=("f32",),
        constraints=("accuracy >= baseline - 0.5 pt", "size <= 1 MB", "memory <= 2 GB"),
    )
    assert [c["satisfied"] for c in found.json["constraints"]] == [True, True, True]
    with paretune.load(found.out / "artifact") as predictor:
        rows = predictor.predict({"left": left[:5], "right": right[:5]})
    assert len(rows) == 5


@pytest.mark.parametrize("objective", ["latency", "throughput"])
def test_nothing_new_is_begun_after_the_budget_ended(inputs, own_home, short_bursts, objective):
    found = run(
        inputs / "tiny.onnx",
        str(inputs / "digits.npz"),
        own_home.parent / "out",
        runtimes=("onnxruntime", "openvino"),
        budget=0.2,
        objective=objective,
    )
    reasons = [v["reason"] for v in found.variants(status="failed")]
    assert reasons
    assert all(reason.startswith("the budget ended before it was") for reason in reasons)
    assert {v["runtime"] for v in found.variants(status="ok")} == {"onnxruntime"}
    assert found.json["chosen"] == found.json["baseline"]


def test_effort_compile_calibrates_nothing(inputs, own_home):
    plan = paretune.pipeline.dry_run(
        str(inputs / "tiny.onnx"),
        str(inputs / "digits.npz"),
        paretune.pipeline.Request(model="m", data="d", effort="compile"),
    )
    assert plan.programs
    assert not any("int8" in program for program in plan.programs)
    assert plan.baseline == "onnxruntime"


def test_a_variant_whose_accuracy_drops_is_rejected_with_its_drop(inputs, own_home):
    """A constraint that no int8 rounding can meet: a higher accuracy than the baseline's."""
    found = run(
        inputs / "tiny.onnx",
        str(inputs / "digits.npz"),
        own_home.parent / "out",
        constraints=("accuracy >= baseline + 0.5 pt",),
        budget="60s",
    )
    (constraint,) = found.json["constraints"]
    assert constraint["satisfied"] is False
    others = [v for v in found.json["variants"] if v["id"] != found.json["chosen"]]
    assert all("is not met" in v["reason"] for v in others if v["status"] == "rejected")
    assert found.json["chosen"] == found.json["baseline"]


class WrongError(Exception):
    pass


def test_a_callers_own_exception_passes_and_leaves_no_result(inputs, own_home):
    class Stopping(Told):
        def stage(self, name, total):
            if name == "compare":
                raise WrongError
            super().stage(name, total)

    out = own_home.parent / "out"
    with pytest.raises(WrongError):
        optimize(
            str(inputs / "tiny.onnx"),
            str(inputs / "digits.npz"),
            out=out,
            runtimes=("onnxruntime",),
            precisions=("f32",),
            progress=Stopping(),
        )
    assert not (out / "result.json").exists()
    with pytest.raises(InputError, match="--resume"):
        run(inputs / "tiny.onnx", str(inputs / "digits.npz"), out)


def test_a_store_that_cannot_be_opened_leaves_the_folder_free(inputs, tmp_path, monkeypatch):
    def broken(*_):
        raise InputError("the store cannot be opened")

    monkeypatch.setattr(Store, "open", broken)
    with pytest.raises(InputError, match="store cannot be opened"):
        run(inputs / "tiny.onnx", str(inputs / "digits.npz"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
