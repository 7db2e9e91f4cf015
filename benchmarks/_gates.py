"""Every figure that the benchmarks measure, with its gate: one list for scripts and README."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gate:
    """One figure.

    Attributes:
        key: how a script names it in its JSON.
        script: the file in this folder that measures it, with options where it needs them.
        title: what it is.
        gate: what it must reach, as text; a reference value where there is no gate.
        low, high: bounds of the value, None where open.
    """

    key: str
    script: str
    title: str
    gate: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def bounded(self) -> bool:
        """Whether it can be missed at all."""
        return self.low is not None or self.high is not None

    def holds(self, value: float) -> bool:
        """Whether a value lies within the bounds."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


_QUALITY = "measurement_quality.py"
_BURST = "burst_length.py"
_REFERENCE = "reference_figures.py"
_FIDELITY = "fidelity.py"
_QUANTISE = "quantisation_is_unpredictable.py"
_BLOCKS = "search_blocks.py"
_LIBRARY = "block_library.py"
_LATENCY = "latency_model.py"
_TASKS = "search_reference.py"
_TRAINING = "training_speed.py"
_SPACE = "search_space_latency.py"
_ACCURACY = "accuracy_surrogate.py"
_SOLVER = "solver.py"
_COST = "search_cost.py"
_EMULATION = "emulation.py"
_DETECTORS = "detectors.py"
_FRONTIER = "frontier_repeat.py"
_ROOFLINE = "roofline_peaks.py"

#: Reference speed over PyTorch eager of EfficientNet-Lite0, from times taken by hand on 2 cores
#: with AVX-512 VNNI: eager 20 ms, Inductor 13, ONNX Runtime 5.4, OpenVINO 5.5, 3.3 and 2.6 ms.
_HAND = {
    "torch-compile/f32": "1.5x by hand",
    "onnxruntime/f32": "3.7x by hand",
    "onnxruntime/int8": "",
    "openvino/f32": "3.6x by hand",
    "openvino/bf16": "6.1x by hand",
    "openvino/int8": "7.7x by hand",
}

_MODELS = {"resnet-50": "ResNet-50", "efficientnet-b2": "EfficientNet-B2"}

_SEARCHES = {
    "random": "random search",
    "evolution": "regularised evolution",
    "reinforce": "a REINFORCE controller",
}

#: Networks whose blocks are looked at, with the share of the latency that must be swappable.
_SWAPPED = {
    "resnet-50": 0.95,
    "efficientnet-b2": 0.95,
    "efficientnet-lite0": 0.95,
    "bert-base": 0.85,
    "resnet18": 0.95,
    "resnet50": 0.95,
    "efficientnet_b0": 0.95,
    "efficientnet_b1": 0.95,
    "efficientnet_b2": 0.95,
    "efficientnet_b3": 0.95,
    "mobilenetv2_100": 0.95,
    "mobilenetv3_large_100": 0.95,
    "regnety_008": 0.95,
    "convnext_tiny": 0.95,
}

GATES: tuple[Gate, ...] = (
    Gate("aa_covered", _QUALITY, "A/A: intervals that contain 1", "at least 36 of 40", low=0.9),
    Gate("aa_error", _QUALITY, "A/A: median distance from 1", "at most 1 %", high=0.01),
    Gate("aa_half_width", _QUALITY, "A/A: median half-width of the interval"),
    Gate("overhead", _QUALITY, "harness over a bare loop, Lite0 INT8", "at most 20 µs", high=20.0),
    Gate(
        "overhead_tiny", _QUALITY, "harness over a bare loop, one layer", "at most 20 µs", high=20.0
    ),
    Gate("app", _QUALITY, "our p50 over benchmark_app's", "within 3 %", low=0.97, high=1.03),
    Gate("burst", _BURST, "standard error of an A/A ratio by length of burst"),
    Gate("chosen_vs_eager", _REFERENCE, "Lite0: chosen over eager", "at least 6.5x", low=6.5),
    Gate("chosen_vs_f32", _REFERENCE, "Lite0: chosen over best f32", "at least 1.9x", low=1.9),
    Gate("drop", _REFERENCE, "Lite0: drop on the holdout", "at most 0.5 pt", high=0.005),
    Gate("top1_f32", _REFERENCE, "Lite0: top-1 f32, all 1000 photographs", "89.5 % by hand"),
    Gate("top1_int8", _REFERENCE, "Lite0: top-1 int8, all 1000 photographs", "90.0 % by hand"),
    *(
        Gate(f"eager_over/{name}", _REFERENCE, f"Lite0: {name} over eager f32", text)
        for name, text in _HAND.items()
    ),
    Gate(
        "resnet-50/openvino",
        _QUANTISE,
        "ResNet-50: int8 over f32, OpenVINO",
        "at least 3.3x",
        low=3.3,
    ),
    Gate(
        "efficientnet-b2/openvino",
        _QUANTISE,
        "EfficientNet-B2: int8 over f32, OpenVINO",
        "1.3x to 2x",
        low=1.3,
        high=2.0,
    ),
    Gate("efficientnet-lite0/openvino", _QUANTISE, "EfficientNet-Lite0: int8 over f32, OpenVINO"),
    *(
        Gate(f"{key}/onnxruntime", _QUANTISE, f"{name}: int8 over f32, ONNX Runtime")
        for key, name in (_MODELS | {"efficientnet-lite0": "EfficientNet-Lite0"}).items()
    ),
    *(
        Gate(f"search_{key}/{task}", script, f"{title}: {what}", gate, low=low, high=high)
        for task, script, title, speed, lost in (
            ("c10", _TASKS, "C10", 2.0, 0.005),
            ("c10@120m", f"{_TASKS} --task c10 --budget 120m", "C10, 120 min", 2.5, 0.005),
            ("fm", _TASKS, "FM", 2.5, 0.003),
            ("digits", _TASKS, "digits", 1.5, None),
        )
        for key, what, gate, low, high in (
            ("int8", "search over the control, both int8", f"at least {speed}x", speed, None),
            ("speed", "search over best compiled", f"at least {speed}x", speed, None),
            (
                "drop",
                "drop against the control",
                "" if lost is None else f"at most {100 * lost:.1f} pt",
                None,
                lost,
            ),
            ("drop_baseline", "drop against the baseline as it came", "", None, None),
            ("lossless", "fastest that lost nothing on the search split", "", None, None),
        )
    ),
    *(
        Gate(f"latency_{key}/{name}", _LATENCY, f"{title}: {what}", gate, low=low, high=high)
        for name, title in (("resnet-50", "ResNet-50"), ("efficientnet-b0", "EfficientNet-B0"))
        for key, what, gate, low, high in (
            ("error", "latency of 40 unseen networks, mean error", "at most 4 %", None, 0.04),
            ("within", "latency of unseen networks within 10 %", "at least 95 %", 0.95, None),
            ("rank", "latency of unseen networks, Spearman", "at least .97", 0.97, None),
            ("seconds", "time to make the latency model", "at most 600 s", None, 600.0),
            ("flops", "the same by FLOPs alone, mean error", "", None, None),
        )
    ),
    *(
        Gate(f"space_{key}/{name}", _SPACE, f"{title}: int8 latency in reach, {what}", hand)
        for name, title in _MODELS.items()
        for key, what, hand in (
            (
                "half",
                "half of the multiply-adds kept",
                "5.2 of 11.1 ms by hand" if name == "efficientnet-b2" else "",
            ),
            ("fastest", "whatever is left", ""),
        )
    ),
    Gate(
        "training_speed",
        _TRAINING,
        "C10: time to 99 % of the final accuracy, baseline from scratch over found",
        "at least 3x",
        low=3.0,
    ),
    Gate("training_speed_teacher", _TRAINING, "the same, library and teacher's training counted"),
    Gate(
        "training_flops",
        _TRAINING,
        "C10: training FLOPs to 99 % of the final accuracy, from scratch over found",
    ),
    Gate("training_flops_teacher", _TRAINING, "the same, library and teacher's training counted"),
    Gate("library_candidates", _LIBRARY, "ResNet-56: candidates in 15 min", "at least 60", low=60),
    Gate(
        "library_better",
        _LIBRARY,
        "ResNet-56: candidates better than inherited",
        "at least 80 %",
        low=0.8,
    ),
    Gate("library_error", _LIBRARY, "ResNet-56: held-out error over the inherited, median"),
    Gate("library_composed", _LIBRARY, "ResNet-56: KL of untrained networks, median"),
    Gate("solver_brute_force", _SOLVER, "MILP equals brute force, NAS-Bench-Macro", "all", low=1.0),
    Gate(
        "solver_programme",
        _SOLVER,
        "MILP equals a dynamic programme, merging options",
        "all",
        low=1.0,
    ),
    Gate(
        "solver_front",
        _SOLVER,
        "16-point front, 24 blocks x 20 operators, CPU time",
        "at most 30 s",
        high=30.0,
    ),
    Gate("solver_nsga2_area", _SOLVER, "NSGA-II, 1000 evaluations: of the true hypervolume"),
    Gate("solver_nsga2_share", _SOLVER, "NSGA-II, 1000 evaluations: of the true front's networks"),
    Gate("search_cost/ours", _COST, "NAS-Bench-Macro: our full trainings to 98 % hypervolume"),
    *(
        Gate(f"search_cost/{name}_over_ours", _COST, f"NAS-Bench-Macro: cost of {text} over ours")
        for name, text in _SEARCHES.items()
    ),
    *(
        Gate(
            f"search_cost/random_over_{name}",
            _COST,
            f"NAS-Bench-Macro: cost of random search over {_SEARCHES[name]}",
        )
        for name in ("evolution", "reinforce")
    ),
    *(
        gate
        for kind, what in (("search", "search alone"), ("total", "library and finish counted"))
        for gate in (
            Gate(
                f"search_cost/recorded/{kind}/ours",
                _COST,
                f"digits: our full-training equivalents, {what}",
            ),
            *(
                Gate(
                    f"search_cost/recorded/{kind}/{name}_over_ours",
                    _COST,
                    f"digits: cost of {text} over ours, {what}",
                )
                for name, text in _SEARCHES.items()
            ),
        )
    ),
    *(
        Gate(
            f"search_cost/recorded/finished/{name}",
            _COST,
            f"digits: speed of the best of {text} after its finish, and what it lost",
        )
        for name, text in {"ours": "ours", **_SEARCHES}.items()
    ),
    Gate(
        "macro/12/surrogate",
        _ACCURACY,
        "NAS-Bench-Macro: rank in equal-FLOPs slices, 12 labels",
        ".84 by hand",
    ),
    Gate(
        "macro/24/surrogate",
        _ACCURACY,
        "NAS-Bench-Macro: rank in equal-FLOPs slices, 24 labels",
        "at least .85 (.87 by hand)",
        low=0.85,
    ),
    Gate(
        "macro/48/surrogate",
        _ACCURACY,
        "NAS-Bench-Macro: rank in equal-FLOPs slices, 48 labels",
        "at least .90 (.92 by hand)",
        low=0.9,
    ),
    *(
        Gate(
            f"macro/{n}/chance/surrogate",
            _ACCURACY,
            f"NAS-Bench-Macro: the same, {n} labels by chance",
        )
        for n in (24, 48)
    ),
    Gate(
        "macro/24/additive", _ACCURACY, "NAS-Bench-Macro: the same, 24 labels, additive regression"
    ),
    Gate("macro/24/FLOPs", _ACCURACY, "NAS-Bench-Macro: the same, FLOPs alone", ".07 by hand"),
    Gate("macro/24/parameters", _ACCURACY, "NAS-Bench-Macro: the same, parameters alone"),
    *(
        Gate(
            f"macro/{n}/covered",
            _ACCURACY,
            f"NAS-Bench-Macro: 90 % intervals that hold, {n} labels",
            "85 to 95 %",
            low=0.85,
            high=0.95,
        )
        for n in (24, 48)
    ),
    Gate("macro/24/error", _ACCURACY, "NAS-Bench-Macro: mean error in points, 24 labels"),
    Gate(
        "recorded/surrogate",
        _ACCURACY,
        "held-out INT8 networks: rank",
        "at least .90",
        low=0.9,
    ),
    Gate(
        "recorded/sliced",
        _ACCURACY,
        "held-out INT8 networks: rank in equal-latency slices",
        "at least .75",
        low=0.75,
    ),
    Gate(
        "recorded/error",
        _ACCURACY,
        "held-out INT8 networks: mean error in points",
        "at most 0.7",
        high=0.7,
    ),
    Gate(
        "recorded/covered",
        _ACCURACY,
        "held-out INT8 networks: 90 % intervals that hold",
        "85 to 95 %",
        low=0.85,
        high=0.95,
    ),
    Gate("recorded/additive", _ACCURACY, "held-out INT8 networks: rank, additive regression"),
    Gate("recorded/FLOPs", _ACCURACY, "held-out INT8 networks: rank, FLOPs alone"),
    Gate(
        "recorded/lead",
        _ACCURACY,
        "held-out INT8 networks: rank over the better of the two",
        "above 0",
        low=1e-9,
    ),
    *(
        Gate(
            f"blocks_share/{name}",
            _BLOCKS,
            f"{name}: swappable share of the latency",
            f"at least {bound:.0%}",
            low=bound,
        )
        for name, bound in _SWAPPED.items()
    ),
    *(
        Gate(
            f"blocks_{key}",
            _BLOCKS,
            title,
            gate,
            low=low,
            high=high,
        )
        for suffix, which in (("", ""), ("_timm", ", timm"))
        for key, title, gate, low, high in (
            (
                f"parity{suffix}",
                f"every block a copy of itself: largest change of an output{which}",
                "at most 1e-5",
                None,
                1e-5,
            ),
            (
                f"space{suffix}",
                f"smallest space of architectures, power of ten{which}",
                "at least 6",
                6.0,
                None,
            ),
        )
    ),
    *(
        gate
        for name, title in (
            ("resnet-50", "ResNet-50"),
            ("efficientnet-b0", "EfficientNet-B0"),
            ("mobilenetv3", "MobileNetV3"),
        )
        for gate in (
            Gate(
                f"emulation/{name}/avx512_vnni",
                _EMULATION,
                f"{title}, int8: AVX-512 VNNI over AVX-512 alone",
                "faster",
                low=1.0,
            ),
            Gate(
                f"emulation/{name}/avx512",
                _EMULATION,
                f"{title}, int8: AVX-512 alone over AVX2",
                "faster",
                low=1.0,
            ),
            Gate(
                f"emulation/{name}/kernels",
                _EMULATION,
                f"{title}: share of the time in kernels beyond the cap",
                "at most 10 %",
                high=0.1,
            ),
        )
    ),
    *(
        Gate(
            f"detectors/int8/{name}/{cap}",
            _DETECTORS,
            f"{title} over SSDLite320 MobileNetV3, int8, {with_}",
        )
        for name, title in (
            ("fastestdet", "FastestDet"),
            ("yolox-nano", "YOLOX-nano"),
            ("yolox-s", "YOLOX-s"),
        )
        for cap, with_ in (("avx512_vnni", "AVX-512 VNNI"), ("avx512", "AVX-512 alone"))
    ),
    *(
        Gate(
            f"fidelity/{name}/{runtime}/{recipe}",
            _FIDELITY,
            f"{title}: fidelity of int8 ({runtime}, {recipe}) to f32",
        )
        for name, title in (
            ("lite0", "Features of EfficientNet-Lite0"),
            ("fastestdet", "FastestDet"),
        )
        for runtime, recipes in (
            ("openvino", ("fast", "full")),
            ("onnxruntime", ("minmax", "percentile")),
        )
        for recipe in recipes
    ),
    Gate(
        "frontier/strays",
        _FRONTIER,
        "Frontier of 27 networks, measured twice: on one and by intervals not on the other",
        "none",
        high=0.0,
    ),
    Gate("frontier/apart", _FRONTIER, "The same: median difference of a program's latencies"),
    Gate("frontier/overlap", _FRONTIER, "The same: programs whose two intervals overlap"),
    *(
        Gate(
            f"peaks/{what}",
            _ROOFLINE,
            f"{title}: the highest of five runs over the lowest",
            "at most 3 % more",
            high=0.03,
        )
        for what, title in (
            ("f32", "Peak in f32"),
            ("bf16", "Peak in bf16"),
            ("int8", "Peak in int8"),
            ("memory", "Copies in memory"),
        )
    ),
    *(
        gate
        for name, title in (("resnet-50", "ResNet-50"), ("efficientnet-b0", "EfficientNet-B0"))
        for precision in ("f32", "bf16", "int8")
        for gate in (
            Gate(
                f"roofline/{name}/{precision}",
                _ROOFLINE,
                f"{title}, {precision}: nearest that a layer comes to its limit",
                "at most 1.02",
                high=1.02,
            ),
            Gate(
                f"roofline/{name}/{precision}/whole",
                _ROOFLINE,
                f"{title}, {precision}: limit of all layers over the time they take",
            ),
        )
    ),
)

BY_KEY = {gate.key: gate for gate in GATES}
