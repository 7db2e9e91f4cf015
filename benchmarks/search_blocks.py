"""What a search may replace: parity of copied blocks, size of the space, share of the latency.

Networks have random weights but for EfficientNet-Lite0: nothing here depends on them. The share is
read off OpenVINO's profile in f32 of the whole network: time of layers in blocks with an option
besides keeping them, over time of all layers. With --timm, timm's networks.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _common import Figure, Outcome, finish, options, show
from _networks import SIZES, hugging_face, settle_statistics

from paretune.core import LayerTime, ParetuneError
from paretune.engine import machine
from paretune.search.blocks import Block, find
from paretune.search.blocks._trace import trace
from paretune.search.latency.attribution import Part, attribute
from paretune.search.proposals import Proposals
from paretune.search.space import KEEP
from paretune.sources import load_model

PLAIN = ("resnet-50", "efficientnet-b2", "efficientnet-lite0", "bert-base")
TIMM = {
    "resnet18": 224,
    "resnet50": 224,
    "efficientnet_b0": 224,
    "efficientnet_b1": 240,
    "efficientnet_b2": 260,
    "efficientnet_b3": 300,
    "mobilenetv2_100": 224,
    "mobilenetv3_large_100": 224,
    "regnety_008": 224,
    "convnext_tiny": 224,
}
#: Samples that flow through the blocks, and tokens of a sentence.
SAMPLES = 2
TOKENS = 128


@dataclass(frozen=True)
class Network:
    """A network and what goes in, batch on axis 0."""

    module: Any
    inputs: tuple[Any, ...]


def plain(name: str, folder: Path) -> Network:
    """Hugging Face's networks and the zoo's."""
    import torch

    if name == "bert-base":
        return _bert()
    if name == "efficientnet-lite0":
        module, size = load_model(name).module, 224
    else:
        module, size = hugging_face(name, folder).module, SIZES[name]
    return Network(module.eval(), (torch.randn(SAMPLES, 3, size, size),))


def timm_network(name: str, _: Path) -> Network:
    """One of timm's."""
    import timm
    import torch

    torch.manual_seed(0)
    module = timm.create_model(name, pretrained=False).eval()
    settle_statistics(module, TIMM[name])
    return Network(module, (torch.randn(SAMPLES, 3, TIMM[name], TIMM[name]),))


def _bert() -> Network:
    """The encoder of bert-base-uncased: 12 layers of 768, the configuration's defaults."""
    import torch
    import transformers as hf

    torch.manual_seed(0)
    module: Any = hf.BertForSequenceClassification(hf.BertConfig())
    words = torch.randint(0, 30000, (SAMPLES, TOKENS))
    return Network(module.eval(), (words, torch.ones_like(words)))


def parity(network: Network, proposals: Proposals) -> float:
    """Largest change of an output when every block is replaced by a copy of itself."""
    import torch

    from paretune.search.network.compose import compose

    space = proposals.space
    kept = [space.options[row[0]] for row in space.starting]
    pieces = {(o.first, o.last): proposals.build(o, seed=0) for o in kept}
    composed = compose(network.module, proposals.blocks, pieces)
    with torch.no_grad():
        before, after = _tensor(network.module(*network.inputs)), _tensor(composed(*network.inputs))
    return float((before - after).abs().max())


def profile(network: Network, calls: int) -> list[LayerTime]:
    """Layers as OpenVINO executes them in f32 for one sample, median microseconds a call."""
    import openvino as ov
    import torch

    one = tuple(x[:1] for x in network.inputs)
    with torch.no_grad():
        graph = ov.convert_model(network.module, example_input=one)
    graph.reshape({port: list(x.shape) for port, x in zip(graph.inputs, one, strict=True)})
    hints = {"PERF_COUNT": True, "INFERENCE_PRECISION_HINT": "f32"}
    threads = {"INFERENCE_NUM_THREADS": machine.detect().usable_cores}
    compiled = ov.compile_model(graph, "CPU", hints | threads)
    # Compilers rename what they fold; the executed graph remembers what each layer was made of.
    made_of = {
        op.get_friendly_name(): str(op.get_rt_info()["originalLayersNames"].astype(str))
        for op in compiled.get_runtime_model().get_ops()
    }
    request = compiled.create_infer_request()
    feeds = [x.numpy() for x in one]
    request.infer(feeds)
    kinds: dict[str, str] = {}
    spent: dict[str, list[float]] = {}
    for _ in range(calls):
        request.infer(feeds)
        for layer in request.profiling_info:
            kinds[layer.node_name] = layer.node_type
            spent.setdefault(layer.node_name, []).append(layer.real_time.total_seconds() * 1e6)
    # Medians, since a call that was interrupted would weigh on whatever layer it met.
    return [
        LayerTime(
            name=_named(name, made_of.get(name, "")),
            op=kinds[name],
            microseconds=float(np.median(times)),
        )
        for name, times in spent.items()
    ]


def _named(name: str, made_of: str) -> str:
    """A layer's name, or the first it was made of, with the path of a module in it."""
    told = [part for part in (name, *made_of.split(",")) if "__module." in part]
    return told[0] if told else name


def parts_of(network: Network, blocks: Sequence[Block]) -> list[Part]:
    """Blocks with how many weighted layers are called in each."""
    import torch

    kinds = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)
    called = [
        path
        for path, made in trace(network.module, network.inputs).items()
        for call in made
        if isinstance(call.module, kinds)
    ]

    def inside(block: Block) -> int:
        return sum(any(p == m or p.startswith(f"{m}.") for m in block.members) for p in called)

    counts = [inside(block) for block in blocks]
    whole = sum(counts) == len(called)
    return [
        Part(block.name, block.members, count if whole else None)
        for block, count in zip(blocks, counts, strict=True)
    ]


def share(
    network: Network, blocks: Sequence[Block], able: set[int], calls: int
) -> tuple[float, dict[str, Any]]:
    """Share of the layers' time that lies in blocks `able`, and where the rest lies."""
    layers = profile(network, calls)
    parts = parts_of(network, blocks)
    times = attribute(layers, parts)
    if times is None:
        raise ParetuneError("a layer of the compiled network tells nobody which module it was")
    whole = sum(times.values())
    inside = {b.name for b in blocks if b.index in able}
    outside = {
        name or "(in no block)": t / whole for name, t in times.items() if name not in inside
    }
    details = {
        "layers_ms": whole / 1e3,
        "outside": {name: value for name, value in outside.items() if value > 1e-3},
    }
    return sum(times[name] for name in inside) / whole, details


def one(name: str, make: Any, folder: Path, calls: int) -> tuple[list[Figure], dict[str, Any]]:
    """All three figures of one network."""
    from paretune.search.network.site import flows

    network = make(name, folder)
    blocks = find(network.module, network.inputs)
    proposals = Proposals(network.module, blocks, flows(network.module, blocks, network.inputs))
    able = {
        index
        for option in proposals.space.options
        if option.operator != KEEP
        for index in range(option.first, option.last + 1)
    }
    changed = parity(network, proposals)
    count = math.log10(proposals.space.count())
    held, details = share(network, blocks, able, calls)
    figures = [Figure(f"blocks_share/{name}", held, f"{held:.1%}")]
    used: dict[str, int] = {}
    for option in proposals.space.options:
        used[option.operator] = used.get(option.operator, 0) + 1
    details |= {
        "parity": changed,
        "log10_space": count,
        "blocks": len(blocks),
        "swappable": len(able),
        "options": used,
    }
    return figures, details


def _tensor(output: Any) -> Any:
    import torch

    return output if isinstance(output, torch.Tensor) else output[0]


def main() -> int:
    """Every network that the environment has."""
    parser = options(__doc__ or "")
    parser.add_argument("--timm", action="store_true", help="timm's networks, where installed")
    parser.add_argument("--calls", type=int, default=60, help="calls that are profiled")
    parser.add_argument("--only", default="", help="a trial of what has this in its name")
    args = parser.parse_args()
    calls = 3 if args.quick else args.calls
    make = timm_network if args.timm else plain
    names = [n for n in (TIMM if args.timm else PLAIN) if args.only in n]
    found = Outcome(details={"weights": "timm" if args.timm else "Hugging Face"})
    with tempfile.TemporaryDirectory(prefix="paretune-blocks-") as folder:
        for name in names:
            found.part(name, partial(one, name, make, Path(folder), calls))
    suffix = "_timm" if args.timm else ""
    seen = [(name, found.details[name]) for name in names if name in found.details]
    if seen:
        worst = max(d["parity"] for _, d in seen)
        least = min(d["log10_space"] for _, d in seen)
        found.figures.append(Figure(f"blocks_parity{suffix}", worst, f"{worst:.1e}"))
        found.figures.append(Figure(f"blocks_space{suffix}", least, f"10^{least:.0f}"))
    header = ("network", "blocks", "space", "layers, ms", "time in no swappable block")
    show("networks", header, [(name, *_row(d)) for name, d in seen])
    return finish(__file__, args, found, trial=bool(args.only), suffix=suffix)


def _row(details: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(details["blocks"]),
        f"10^{details['log10_space']:.0f}",
        f"{details['layers_ms']:.2f}",
        _worst(details["outside"]),
    )


def _worst(outside: dict[str, float]) -> str:
    """The parts outside, largest first."""
    ordered = sorted(outside.items(), key=lambda pair: -pair[1])[:4]
    return ", ".join(f"{name} {value:.1%}" for name, value in ordered)


if __name__ == "__main__":
    sys.exit(main())
