"""A synthetic result: invented figures of a made-up run, for developing and testing the report.

Nothing here was measured. The shape is what a run over four runtimes gives: programs at several
thread counts, failures and rejections with reasons, layers of two runtimes.
"""

from __future__ import annotations

import math

from paretune.core import (
    Condition,
    ConstraintResult,
    DatasetSummary,
    Estimate,
    Holdout,
    Latency,
    LayerTime,
    Ledger,
    Ratios,
    Result,
    Score,
    Target,
    Variant,
    VariantRecord,
)

NET = "synthetic-net"
BASE_ACCURACY = 0.895
N = 600

#: runtime, precision, recipe, p50 on 2 threads, drop in points, size MB, memory MB
PROGRAMS = [
    ("torch-eager", "f32", "", 20.1, 0.0, 18.6, 410.0),
    ("torch-eager", "bf16", "", 17.2, 0.1, 18.6, 395.0),
    ("torch-compile", "f32", "", 13.0, 0.0, 18.9, 520.0),
    ("torch-compile", "bf16", "", 9.1, 0.1, 18.9, 505.0),
    ("onnxruntime", "f32", "", 5.41, 0.0, 18.7, 160.0),
    ("onnxruntime", "int8", "percentile", 6.02, 0.9, 5.1, 120.0),
    ("openvino", "f32", "", 5.52, 0.0, 18.7, 190.0),
    ("openvino", "bf16", "", 3.31, 0.05, 18.7, 188.0),
    ("openvino", "int8", "fast", 2.62, 0.17, 5.3, 150.0),
    ("openvino", "int8", "full", 2.60, 0.33, 5.3, 150.0),
]
BROKEN = [
    ("torch-compile", "int8", "x86", "PT2E quantisation failed: Unsupported operator aten.roll"),
    ("onnxruntime", "int8", "minmax", "accuracy >= baseline - 0.5 pt is not met: 0.4212"),
]


def score(split: str, drop_pt: float, n: int = N) -> Score:
    value = BASE_ACCURACY - drop_pt / 100
    half = 1.96 * math.sqrt(value * (1 - value) / n)
    paired = 0.35 if drop_pt else 0.0
    return Score(
        split=split,
        value=value,
        ci95=(value - half, min(1.0, value + half)),
        n=n,
        top5=min(1.0, value + 0.08),
        agreement=1 - abs(drop_pt) / 50,
        kl=abs(drop_pt) / 100,
        drop=Estimate(
            value=drop_pt / 100, ci95=((drop_pt - paired) / 100, (drop_pt + paired) / 100)
        ),
    )


def latency(p50: float) -> Latency:
    return Latency(p50=p50, p95=p50 * 1.08, p99=p50 * 1.31, ci95=(p50 * 0.993, p50 * 1.007), n=900)


def record(
    program: tuple[str, str, str, float, float, float, float], threads: int, name: str = NET
) -> VariantRecord:
    runtime, precision, recipe, p50, drop, size, memory = program
    variant = Variant(
        architecture=name, runtime=runtime, precision=precision, recipe=recipe, threads=threads
    )
    p50 = p50 if threads == 2 else p50 * 1.7
    rejected = drop > 0.5
    slower = p50 / 2.60
    why = (
        f"accuracy >= baseline - 0.5 pt is not met: {(BASE_ACCURACY - drop / 100):.4g}"
        if rejected
        else f"{slower:.2f}x the time of the chosen variant"
    )
    return VariantRecord.of(variant, "rejected" if rejected else "ok", why).model_copy(
        update={
            "latency_ms": latency(p50),
            "throughput_per_s": 1000 / p50,
            "throughput_ci95": (990 / p50, 1010 / p50),
            "peak_memory_mb": memory,
            "size_mb": size,
            "accuracy": score("search", drop),
            "cached": threads == 1,
        }
    )


def broken(runtime: str, precision: str, recipe: str, reason: str) -> VariantRecord:
    variant = Variant(
        architecture=NET, runtime=runtime, precision=precision, recipe=recipe, threads=2
    )
    if "not met" not in reason:
        return VariantRecord.of(variant, "failed", reason)
    return VariantRecord.of(variant, "rejected", reason).model_copy(
        update={
            "latency_ms": latency(2.9),
            "throughput_per_s": 345.0,
            "size_mb": 5.1,
            "accuracy": score("search", 47.4),
        }
    )


def layers(count: int, micros: float, precision: str, prefix: str) -> tuple[LayerTime, ...]:
    return tuple(
        LayerTime(
            name=f"{prefix}/blocks.{i}/a_rather_long_layer_name/Conv2D_{i}",
            op="Convolution" if i % 4 else "Add",
            kernel="brgconv_avx512_I8" if precision == "int8" else "jit_avx512_F32",
            precision=precision if i % 4 else "f32",
            microseconds=micros * (1 + (i * 7919 % 13)) / 6,
        )
        for i in range(count)
    )


def target() -> Target:
    return Target(
        cpu="Synthetic(R) CPU @ 2.80GHz (not a real machine)",
        isa=("avx2", "avx512", "avx512_vnni"),
        physical_cores=2,
        logical_cores=4,
        cpu_quota=2.0,
        memory_mb=8200.0,
        caches={"L1d": 48, "L2": 2048, "L3": 36864},
        os="Linux 6.1 glibc 2.36",
        versions={"openvino": "2026.4.1", "onnxruntime": "1.32.0", "torch": "2.13.0"},
    )


def sample() -> Result:
    """About twenty variants over four runtimes; the chosen one is OpenVINO int8."""
    variants = [record(program, threads) for program in PROGRAMS for threads in (1, 2)]
    variants += [broken(*parts) for parts in BROKEN]
    chosen = f"{NET}/openvino/int8/full/t2s1b1"
    variants = [v.model_copy(update={"reason": ""}) if v.id == chosen else v for v in variants]
    return Result(
        model=NET,
        target=target(),
        dataset=DatasetSummary(
            name="synthetic/images.csv",
            train=200,
            search=N,
            holdout=400,
            metric="top1",
            labelled=True,
            skipped=3,
        ),
        objective="latency",
        baseline=f"{NET}/torch-eager/f32/t2s1b1",
        best_compiled_baseline=chosen,
        chosen=chosen,
        constraints=(
            ConstraintResult(text="accuracy >= baseline - 0.5 pt", satisfied=True, value=0.8917),
            ConstraintResult(text="latency_p95 <= 5 ms", satisfied=True, value=2.81),
        ),
        variants=tuple(variants),
        holdout=Holdout(
            baseline=score("holdout", 0.0, 400),
            chosen=score("holdout", 0.25, 400),
            drop=Estimate(value=0.0025, ci95=(-0.005, 0.0125)),
        ),
        ratios=Ratios(
            latency_vs_baseline=Estimate(value=7.71, ci95=(7.58, 7.86)),
            latency_vs_best_compiled_baseline=Estimate(value=1.0, ci95=(1.0, 1.0)),
            latency_vs_best_f32=Estimate(value=2.08, ci95=(2.05, 2.12)),
        ),
        ledger=Ledger(
            wall_s=412.0,
            cpu_s=790.0,
            stages_s={"baseline": 31.0, "compile": 92.0, "quantize": 140.0, "race": 120.0},
        ),
        conditions=(
            Condition(kind="noise", text="Repeated bursts of the same variant differ by 6 %."),
            Condition(kind="fallback", text="torch-compile int8 was left out: see its reason."),
            Condition(kind="cache", text="8 of 22 measurements were reused from the store."),
        ),
        layers={
            f"{NET}/torch-eager/f32/t2s1b1": layers(60, 330.0, "f32", "module"),
            chosen: layers(88, 30.0, "int8", "graph"),
        },
        how_measured={
            "latency": "Per-call samples after warm-up, interleaved A B B A over 5 fresh starts.",
            "accuracy": "Chosen on search; holdout read once. Drops are paired by sample.",
        },
    )


def without_labels() -> Result:
    """Unlabelled data: agreement is the metric, there are no labels to be right about."""
    result = sample()
    return result.model_copy(
        update={
            "dataset": result.dataset.model_copy(update={"metric": "agreement", "labelled": False})
        }
    )


def nothing_beats_it() -> Result:
    """The baseline is handed back; a constraint cannot be met."""
    result = sample()
    same = Estimate(value=1.0, ci95=(1.0, 1.0))
    base = result.holdout.baseline
    return result.model_copy(
        update={
            "chosen": result.baseline,
            "best_compiled_baseline": result.baseline,
            "constraints": (
                ConstraintResult(text="latency <= 0.1 ms", satisfied=False, value=20.1),
            ),
            "ratios": Ratios(
                latency_vs_baseline=same,
                latency_vs_best_compiled_baseline=same,
                latency_vs_best_f32=Estimate(value=0.27, ci95=(0.26, 0.28)),
            ),
            "holdout": Holdout(
                baseline=base, chosen=base, drop=Estimate(value=0.0, ci95=(0.0, 0.0))
            ),
        }
    )


def one_variant() -> Result:
    """Only the baseline, no layers, no conditions."""
    result = nothing_beats_it()
    only = result.variant(result.baseline)
    return result.model_copy(update={"variants": (only,), "layers": {}, "conditions": ()})


def hostile() -> Result:
    """Names and reasons that try to be markup, are very long, or are not ASCII."""
    name = "日本語 <script>alert(\"x\")</script> & 'q'"
    text = sample().model_dump_json(by_alias=True)
    result = Result.model_validate_json(text.replace(NET, name.replace('"', '\\"')))
    long = "</script><img src=x onerror=alert(1)> " + "a very long reason that goes on " * 30
    return result.model_copy(
        update={
            "variants": (
                *result.variants[:-2],
                result.variants[-2].model_copy(update={"reason": long}),
                result.variants[-1],
            ),
            "conditions": (Condition(kind="<b>noise", text=long),),
            "how_measured": {"<i>how": long},
        }
    )


def all_equal() -> Result:
    """Every variant has the same accuracy."""
    result = sample()
    equal = score("search", 0.0)
    return result.model_copy(
        update={
            "variants": tuple(
                v.model_copy(update={"accuracy": equal if v.accuracy else None})
                for v in result.variants
            )
        }
    )


SAMPLES = {
    "sample": sample,
    "without_labels": without_labels,
    "nothing_beats_it": nothing_beats_it,
    "one_variant": one_variant,
    "hostile": hostile,
    "all_equal": all_equal,
}
