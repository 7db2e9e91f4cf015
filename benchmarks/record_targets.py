"""Times the networks that a CPU is held against a GPU with, in one record a machine.

With `--device cuda` on a GPU, without it on a CPU: `paretune gap` reads the records of
both. Weights are random, which makes no difference to the speed. timm is needed, and transformers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import product
from pathlib import Path

from _common import Said
from _networks import TIMM, bert_base, timm_model
from _records import add, file_of

from paretune.artifact.headline import plural
from paretune.core import Model, ParetuneError
from paretune.engine import machine
from paretune.pipeline import bench

NETWORKS = (*TIMM, "bert-base")


def main() -> int:
    """Bench every network on its own, so that whatever is done is kept."""
    args = _arguments()
    target = machine.detect()
    device = target.gpus[0].name if args.device == "cuda" and target.gpus else target.label
    file = args.file or file_of(device, trial=args.quick)
    failed = []
    # Streams are timed by throughput, so each number of them is a bench of its own.
    for name, streams in product(args.networks, args.streams):
        Said().stage(f"{name}, {plural(streams, 'stream')}", 1)
        try:
            with tempfile.TemporaryDirectory() as made:
                record = bench(
                    _network(name, Path(made)),
                    device=args.device,
                    runtimes=args.runtimes,
                    precisions=args.precisions,
                    batches=args.batches,
                    streams=[streams],
                    seconds=0.2 if args.quick else args.seconds,
                    starts=args.starts,
                    progress=Said(),
                )
        except ParetuneError as error:
            Said().note(f"{name} failed: {error}")
            failed.append(name)
            continue
        add(record, file)
    return 1 if failed else 0


def _network(name: str, folder: Path) -> Model:
    return bert_base(folder) if name == "bert-base" else timm_model(name, folder)


def _arguments() -> argparse.Namespace:
    def several(text: str) -> list[str]:
        return [part for part in text.split(",") if part]

    def numbers(text: str) -> list[int]:
        return [int(part) for part in several(text)]

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--networks", type=several, default=list(NETWORKS))
    parser.add_argument("--runtimes", type=several, default=[], help="all by default")
    parser.add_argument("--precisions", type=several, default=[], help="all by default")
    parser.add_argument("--batches", type=numbers, default=[1, 8, 64])
    parser.add_argument("--streams", type=numbers, default=[1], help="calls in flight at once")
    parser.add_argument("--seconds", type=float, default=1.0, help="timing time a variant")
    parser.add_argument("--starts", type=int, default=2, help="fresh starts of every process")
    parser.add_argument("--file", type=Path, help="instead of records/MACHINE.json")
    parser.add_argument("--quick", action="store_true", help="a trial: little timing, no records")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
