"""One CPU as its older siblings: int8 networks under instruction-set caps, interleaved.

The same OpenVINO program runs in processes that are capped at AVX-512 VNNI, AVX-512 and AVX2, in
turn; the kernels that each executed are read from the runtime and held against its cap. Weights are
random, inputs too.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from _common import Figure, Outcome, finish, options, ratio
from _networks import efficientnet_b0, hugging_face, timm_model
from _programs import ready

from paretune.core import Model
from paretune.engine import Actor, LocalEngine
from paretune.measure import compare, open_host
from paretune.pipeline.caps import capped
from paretune.pipeline.emulation import shares
from paretune.runtimes.base import Settings
from paretune.runtimes.kernels import beyond

CAPS = ("avx512_vnni", "avx512", "avx2")
NETWORKS, TIMM = ("resnet-50", "efficientnet-b0"), ("mobilenetv3",)


def under_caps(
    name: str, model: Model, seconds: float, starts: int
) -> tuple[list[Figure], dict[str, Any]]:
    """How much faster each cap is than the next, and the kernels that were executed."""
    program = ready(model, "int8")

    def opened(cap: str, *, profile: bool = False) -> Actor:
        settings = Settings(threads=program.settings.threads, profile=profile)
        return open_host(capped(LocalEngine(), cap), program.program, settings, program.arrays)

    found = compare(
        {cap: partial(opened, cap) for cap in CAPS}, seconds=seconds * len(CAPS), starts=starts
    )
    figures = [
        ratio(f"emulation/{name}/{newer}", found.ratio(older, newer))
        for newer, older in itertools.pairwise(CAPS)
    ]
    executed = {}
    for cap in CAPS:
        with opened(cap, profile=True) as host:
            executed[cap] = shares(host.call("layers"))
    over = {
        cap: sum(share for kernel, share in spent.items() if beyond(kernel, cap))
        for cap, spent in executed.items()
    }
    text = ", ".join(f"{share:.1%} at {cap}" for cap, share in over.items())
    figures.append(Figure(f"emulation/{name}/kernels", max(over.values()), text))
    times = {cap: found.latency(cap).model_dump(mode="json") for cap in CAPS}
    print(name, {cap: f"{found.latency(cap).p50:.2f} ms" for cap in CAPS})
    return figures, {"latency_ms": times, "kernels": executed, "beyond": over}


def network(name: str, timm: bool, folder: Path) -> Model:
    """A network with random weights."""
    if timm:
        return timm_model(name, folder)
    return efficientnet_b0() if name == "efficientnet-b0" else hugging_face(name, folder)


def main() -> int:
    """Measure every network; timm is needed for MobileNetV3."""
    parser = options(__doc__ or "")
    parser.add_argument("--timm", action="store_true", help="timm's MobileNetV3, where installed")
    parser.add_argument("--seconds", type=float, default=4.0, help="timing time a cap")
    parser.add_argument("--starts", type=int, default=4)
    args = parser.parse_args()
    if args.quick:
        args.seconds, args.starts = 0.5, 1
    names = TIMM if args.timm else NETWORKS
    found = Outcome(details={"weights": "timm" if args.timm else "Hugging Face"})
    with tempfile.TemporaryDirectory(prefix="paretune-emulation-") as folder:
        for name in names:
            model = network(name, args.timm, Path(folder))
            found.part(name, partial(under_caps, name, model, args.seconds, args.starts))
    return finish(__file__, args, found, suffix="_timm" if args.timm else "")


if __name__ == "__main__":
    sys.exit(main())
