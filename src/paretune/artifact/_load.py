"""Open an artifact, refusing what would not run as it was measured."""

from __future__ import annotations

import warnings
from importlib import metadata
from pathlib import Path

from paretune import runtimes
from paretune.artifact.manifest import Manifest, read, verify
from paretune.artifact.predictor import Predictor
from paretune.core import InputError, Target
from paretune.runtimes.base import Settings


def load(
    folder: str | Path, *, threads: int | None = None, streams: int | None = None
) -> Predictor:
    """Open an artifact.

    Args:
        folder: what `paretune optimize` wrote as `artifact/`.
        threads: CPU threads; as measured by default, at most the cores this machine has.
        streams: calls in flight at once; as measured by default.

    Raises:
        InputError: no artifact, another schema, a file that is missing or changed, a CPU without
            an instruction set it needs, more threads than cores.
        MissingPackageError: its runtime is not installed; says what to install.
        UnsupportedError: its runtime cannot run it with these settings.

    Warns:
        UserWarning: packages have other versions than those it was measured with, or this
            machine has fewer cores.
    """
    from paretune.engine import machine

    place = Path(folder)
    manifest = read(place)
    verify(place, manifest)
    runtime = runtimes.get(manifest.runtime)
    target = machine.detect()
    _check_isa(manifest, target)
    _warn_versions(manifest)
    settings = _settings(manifest, target, threads=threads, streams=streams)
    session = runtime.load(manifest.program(place), settings)
    return Predictor(manifest, session, settings, place)


def _check_isa(manifest: Manifest, target: Target) -> None:
    """Refuse a CPU that has none of the instruction sets, one of which suffices."""
    if manifest.settings.device != "cpu" or not manifest.needs_isa:
        return
    if not set(manifest.needs_isa) & set(target.isa):
        needed = " or ".join(manifest.needs_isa)
        has = ", ".join(target.isa) or "no vector instructions known to Paretune"
        raise InputError(
            f"this artifact ({manifest.runtime}, {manifest.precision}) needs a CPU with {needed}, "
            f"and this one ({target.cpu}) has {has}: run paretune optimize on this machine"
        )


def _warn_versions(manifest: Manifest) -> None:
    """Warn once about all packages whose version is another than recorded."""
    others = []
    for name, recorded in manifest.packages.items():
        try:
            here = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # a package needed for making it only, or the runtime's own load says so
        if here != recorded:
            others.append(f"{name} {here} (made with {recorded})")
    if others:
        warnings.warn(
            f"this artifact was measured with other versions: {', '.join(others)}; "
            "speed and outputs may differ",
            stacklevel=3,
        )


def _settings(
    manifest: Manifest, target: Target, *, threads: int | None, streams: int | None
) -> Settings:
    """The settings asked for, or those measured as far as this machine has the cores."""
    measured = manifest.settings
    if streams is not None and streams < 1:
        raise InputError(f"{streams} streams cannot run anything: give 1 or more")
    if threads is not None and not 1 <= threads <= target.logical_cores:
        raise InputError(
            f"{threads} threads were asked for and this machine has {target.logical_cores}: "
            f"give 1 to {target.logical_cores}"
        )
    if threads is None and measured.device == "cpu" and measured.threads > target.usable_cores:
        warnings.warn(
            f"this artifact was measured with {measured.threads} threads and this process may use "
            f"{target.usable_cores} cores: using {target.usable_cores}",
            stacklevel=3,
        )
        threads = target.usable_cores
    count = threads or measured.threads
    return measured.model_copy(
        update={"threads": count, "streams": streams or min(measured.streams, count)}
    )
