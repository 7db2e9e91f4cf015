"""Make an artifact of a program: the folder appears whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from paretune import runtimes
from paretune._version import __version__
from paretune.artifact._readme import readme
from paretune.artifact.manifest import MANIFEST_FILE, README_FILE, Manifest, entry_of
from paretune.core import InputError, Model, Preprocessing, Result, Target
from paretune.runtimes.base import Program, Settings
from paretune.store import paths


def write(
    folder: Path,
    *,
    program: Program,
    settings: Settings,
    model: Model,
    result: Result | None,
    preprocessing: Preprocessing | None,
    labels: tuple[str, ...] | None,
    target: Target,
    architecture: Mapping[str, bytes] | None = None,
) -> Path:
    """Copy a program's files into `folder` with a manifest and a README.

    An artifact that is already there is replaced, once the new one is complete.

    Args:
        folder: the artifact; its parents are made.
        program: what was chosen.
        settings: how it was chosen to be run.
        model: what the user brought.
        result: the evidence, None where nothing was compared.
        preprocessing: how a raw sample becomes an input, None when samples are tensors.
        labels: class names by index, where known.
        target: the machine it was made and measured on.
        architecture: files, by name, from which a network that was searched for is built again.

    Returns:
        `folder`.

    Raises:
        InputError: `folder` holds something that is not an artifact, or cannot be written.
    """
    _refuse_others(folder)
    with paths.folder_atomic(folder, replace=True) as place:
        for name in program.files:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(program.folder / name, place / name)
        for name, content in (architecture or {}).items():
            (place / name).write_bytes(content)
        manifest = Manifest(
            paretune=__version__,
            model=model.name,
            model_digest=model.digest,
            task=model.task,
            runtime=program.runtime,
            precision=program.precision,
            recipe=program.recipe,
            settings=settings.model_copy(update={"profile": False}),
            files=tuple(entry_of(place, name) for name in program.files),
            inputs=program.inputs,
            outputs=program.outputs,
            max_batch=program.max_batch,
            needs_isa=program.needs_isa,
            needs_code=program.needs_code,
            packages=_packages(program.runtime),
            target=target,
            preprocessing=preprocessing,
            labels=labels,
            variant=None if result is None else result.variant(result.chosen),
            baseline=None if result is None else result.variant(result.baseline),
            ratios=None if result is None else result.ratios,
            holdout=None if result is None else result.holdout,
            constraints=() if result is None else result.constraints,
            architecture=tuple(entry_of(place, name) for name in architecture or {}),
        )
        text = manifest.model_dump_json(by_alias=True, indent=1)
        (place / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")
        (place / README_FILE).write_text(readme(manifest, result), encoding="utf-8")
    return folder


def _refuse_others(folder: Path) -> None:
    """Refuse to replace what is not an artifact."""
    if not folder.exists() or (folder / MANIFEST_FILE).is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise InputError(
            f"{folder} exists and is not an artifact: remove it or choose another folder"
        )


def _packages(runtime: str) -> dict[str, str]:
    """Installed versions of a runtime's distributions."""
    found = {}
    for name in runtimes.get(runtime).packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
