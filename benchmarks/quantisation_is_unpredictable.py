"""How much int8 wins over f32 depends on the network: three of them, in two runtimes.

ResNet-50 and EfficientNet-B2 have random weights (their speed is the same) and are calibrated on
random inputs; EfficientNet-Lite0 has its own. f32 and int8 of one network in one runtime are timed
against each other, interleaved, by `paretune.bench`.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from _common import Figure, Outcome, Said, finish, options, ratio
from _networks import SIZES, hugging_face, timm_model
from _programs import photographs

import paretune
from paretune.core import Model, ParetuneError
from paretune.data import Dataset
from paretune.sources import load_model

LITE = "efficientnet-lite0"
RUNTIMES = ("openvino", "onnxruntime")


def int8_over_f32(
    key: str, model: Model, data: Dataset | None, seconds: float, starts: int
) -> tuple[list[Figure], dict[str, Any]]:
    """Both precisions of one network in one runtime, `key` being NETWORK/RUNTIME."""
    runtime = key.rpartition("/")[2]
    record = paretune.bench(
        model,
        data=data,
        runtimes=(runtime,),
        precisions=("f32", "int8"),
        baseline=f"{runtime}/f32",
        seconds=seconds,
        starts=starts,
        progress=Said(),
    )
    if not record.ratios:
        reasons = "; ".join(v.reason for v in record.variants if v.status == "failed")
        raise ParetuneError(f"there is nothing to compare: {reasons}")
    for variant in record.variants:
        if variant.latency_ms is not None:
            print(f"{key} {variant.precision}: p50 {variant.latency_ms.p50:.2f} ms")
    figures = [ratio(key, found.latency) for found in record.ratios]
    return figures, record.model_dump(mode="json", by_alias=True, exclude={"target"})


def main() -> int:
    """Measure every network in every runtime."""
    parser = options(__doc__ or "")
    parser.add_argument("--timm", action="store_true", help="timm's networks, where installed")
    parser.add_argument("--seconds", type=float, default=6.0, help="timing time a variant")
    parser.add_argument("--starts", type=int, default=4)
    parser.add_argument("--only", default="", help="a trial of what has this in its name")
    args = parser.parse_args()
    if args.quick:
        args.seconds, args.starts = 0.5, 1
    make = timm_model if args.timm else hugging_face
    found = Outcome(details={"weights": "timm" if args.timm else "Hugging Face"})
    with tempfile.TemporaryDirectory(prefix="paretune-networks-") as folder:
        for name in (*SIZES, LITE):
            keys = [f"{name}/{runtime}" for runtime in RUNTIMES]
            keys = [key for key in keys if args.only in key]
            if not keys:
                continue
            model = load_model(LITE) if name == LITE else make(name, Path(folder))
            data = photographs() if name == LITE else None
            for key in keys:
                each = (model, data, args.seconds, args.starts)
                found.part(key, partial(int8_over_f32, key, *each))
    suffix = "_timm" if args.timm else ""
    return finish(__file__, args, found, trial=bool(args.only), suffix=suffix)


if __name__ == "__main__":
    sys.exit(main())
