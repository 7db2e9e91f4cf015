"""Everything a run leaves behind: artifact, report, result."""

from __future__ import annotations

from collections.abc import Mapping

from paretune import artifact, report
from paretune.core import Result, Variant
from paretune.measure import LATENCY
from paretune.measure.host import WARM_UP_SECONDS
from paretune.measure.interleave import MIN_ROUNDS
from paretune.pipeline.context import Context
from paretune.pipeline.racing import probe_of
from paretune.pipeline.rundir import RunDir
from paretune.runtimes.base import Program, Settings
from paretune.store import paths

#: The last file that a run writes: its presence says that the run is whole.
RESULT = "result.json"


def hand_back(
    context: Context,
    rundir: RunDir,
    result: Result,
    program: Program,
    variant: Variant,
    architecture: Mapping[str, bytes] | None = None,
) -> None:
    """Write `artifact/`, `report.html` and, last, `result.json`."""
    context.progress.step("artifact")
    artifact.write(
        rundir.path / "artifact",
        program=program,
        settings=Settings.of(variant),
        model=context.model,
        result=result,
        preprocessing=context.model.preprocessing,
        labels=context.model.labels or context.dataset.samples.class_names,
        target=context.target,
        architecture=architecture,
    )
    context.progress.step("report")
    report.write(result, rundir.path)
    text = result.model_dump_json(by_alias=True, indent=2)
    paths.write_text_atomic(rundir.path / RESULT, text + "\n")


def how_measured(context: Context, starts: int) -> dict[str, str]:
    """How the figures were taken, in words, for the report and whoever repeats them."""
    probe = probe_of(context)
    what = (
        "median time of calls made one after another"
        if probe is LATENCY
        else "samples finished a second with every stream busy"
    )
    return {
        "speed": f"{what}, in bursts of {probe.burst * 1000:.0f} ms after {WARM_UP_SECONDS} s of "
        "warm-up and one untimed call",
        "comparison": f"interleaved rounds (A B B A), at least {MIN_ROUNDS} a start, over "
        f"{starts} fresh starts of every process; ratio of times by interquartile "
        "mean, 95 % interval by bootstrap over starts; against baselines the way "
        "they run faster, with their settings or the chosen variant's",
        "race": "each variant against one fixed reference in interleaved rounds, then the "
        "survivors together; every choice on the search split",
        "accuracy": f"{context.metric.name}; Wilson 95 % interval, drops paired on the same "
        "samples; the holdout was read once, after the last choice",
        "processes": "each variant in a process of its own, pinned to one logical CPU per thread "
        "on separate cores; memory is the peak resident size of that process",
        "threads": f"{context.threads} of {context.target.physical_cores} cores",
    }
