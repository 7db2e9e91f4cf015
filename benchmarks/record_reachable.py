"""What the search can make of EfficientNet-B2 on this CPU, in this machine's record.

The fastest architecture by the latency model that keeps a share of the multiply-adds, timed as int8
beside the network as it is. Weights are random, so the record is of speed and says nothing of
accuracy. timm is needed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from _common import Said
from _networks import timm_model
from _records import add, file_of
from _space import lean, modelled, opened

from paretune.core import Condition, Model
from paretune.engine import machine
from paretune.pipeline import bench
from paretune.search.network.compose import compose
from paretune.search.space import KEEP

NAME = "efficientnet-b2"


def leaner(model: Model, share: float, seconds: float) -> tuple[Model, str]:
    """The fastest network that keeps a share of the multiply-adds, and what became of its blocks.

    Args:
        model: brought in.
        share: of its multiply-adds, kept at least.
        seconds: for the latency model.
    """
    with opened(model) as (oracle, proposals):
        space = oracle.space
        latency, macs, _ = modelled(oracle, seconds)
        choice = lean(space, latency.weights, macs, share)
        kept = float(macs[choice].sum() / macs[space.baseline()].sum())
        pieces = {
            (option.first, option.last): proposals.build(option, seed=0)
            for option in space.chosen(choice)
            if option.operator != KEEP
        }
        module = compose(proposals.module, proposals.blocks, pieces)
    found = replace(
        model,
        name=f"{model.architecture}+lean{kept * 100:.0f}",
        module=module,
        digest=f"{model.digest}+{space.name(choice)}",
    )
    return found, space.name(choice)


def main() -> int:
    """Search for the architecture, then bench it and the network that it comes from."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--share", type=float, default=0.75, help="of the multiply-adds, kept")
    parser.add_argument("--search-seconds", type=float, default=400.0)
    parser.add_argument("--seconds", type=float, default=4.0, help="timing time a variant")
    parser.add_argument("--starts", type=int, default=4, help="fresh starts of every process")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = timm_model(NAME, Path(folder))
        searched, became = leaner(model, args.share, args.search_seconds)
        record = bench(
            [model, searched],
            runtimes=("openvino",),
            precisions=("int8",),
            batches=(1, 8),
            seconds=args.seconds,
            starts=args.starts,
            progress=Said(),
        )
    said = Condition(kind="fallback", text=f"{searched.architecture}, not trained: {became}")
    record = record.model_copy(update={"conditions": (*record.conditions, said)})
    add(record, file_of(machine.detect().label))
    return int(any(variant.status != "ok" for variant in record.variants))


if __name__ == "__main__":
    sys.exit(main())
