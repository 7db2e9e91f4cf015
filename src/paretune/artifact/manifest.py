"""`manifest.json`: all that is needed to run an artifact, and what was measured of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath, PureWindowsPath

from pydantic import Field, ValidationError

from paretune.core import (
    ConstraintResult,
    Holdout,
    InputError,
    Noun,
    Precision,
    Preprocessing,
    Ratios,
    Target,
    Task,
    TensorSpec,
    VariantRecord,
)
from paretune.runtimes.base import Program, Settings

SCHEMA = 1
MANIFEST_FILE = "manifest.json"
README_FILE = "README.md"


class FileEntry(Noun):
    """One model file: its name inside the artifact, sha256 in hex, and size in bytes."""

    name: str
    sha256: str
    bytes: int


class Manifest(Noun):
    """What an artifact is, what it needs, and the evidence that it was chosen on.

    Attributes:
        schema_: `schema` in the file; another number is refused.
        paretune: version that wrote it.
        model: the MODEL text as the user wrote it.
        model_digest: sha256 hex of the model's structure and weights before anything was done.
        task: `classification` when the first output is (batch, classes) scores.
        runtime, precision, recipe, files, inputs, outputs, max_batch, needs_isa: see `Program`;
            the main file comes first.
        settings: how it was chosen to be run.
        needs_code: why the files alone cannot be run; empty where they can.
        packages: versions of the runtime's distributions it was made and measured with.
        target: the machine it was measured on.
        preprocessing: how a raw sample becomes an input, None when samples are tensors.
        labels: class names by index, where known.
        variant: measurements of the chosen variant.
        baseline: measurements of the baseline it was compared with.
        ratios, holdout, constraints: the evidence, see `Result`.
        architecture: files of a network that a search found, from which it can be built again as
            a PyTorch module; empty where the architecture is the user's own.
    """

    schema_: int = Field(default=SCHEMA, alias="schema", serialization_alias="schema")
    paretune: str
    model: str
    model_digest: str
    task: Task
    runtime: str
    precision: Precision
    recipe: str = ""
    settings: Settings
    files: tuple[FileEntry, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    max_batch: int | None = None
    needs_isa: tuple[str, ...] = ()
    needs_code: str = ""
    packages: dict[str, str]
    target: Target
    preprocessing: Preprocessing | None = None
    labels: tuple[str, ...] | None = None
    variant: VariantRecord | None = None
    baseline: VariantRecord | None = None
    ratios: Ratios | None = None
    holdout: Holdout | None = None
    constraints: tuple[ConstraintResult, ...] = ()
    architecture: tuple[FileEntry, ...] = ()

    def program(self, folder: Path) -> Program:
        """The program whose files lie in `folder`."""
        return Program(
            runtime=self.runtime,
            precision=self.precision,
            recipe=self.recipe,
            folder=folder,
            files=tuple(file.name for file in self.files),
            inputs=self.inputs,
            outputs=self.outputs,
            max_batch=self.max_batch,
            needs_isa=self.needs_isa,
            needs_code=self.needs_code,
        )


def read(folder: Path) -> Manifest:
    """The manifest of an artifact; its files are not looked at, see `verify`.

    Raises:
        InputError: no artifact, another schema, or a manifest that is damaged.
    """
    file = folder / MANIFEST_FILE
    if not file.is_file():
        raise InputError(
            f"{folder} is not an artifact (it has no {MANIFEST_FILE}): "
            "give the folder that paretune optimize wrote"
        )
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(file, str(error).splitlines()[0]) from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise InputError(
            f"{file} has schema {schema!r} and this Paretune reads {SCHEMA}: "
            "use the Paretune version that wrote it, or write the artifact again"
        )
    try:
        manifest = Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _damaged(file, f"{where}: {first['msg']}") from error
    if not manifest.files:
        raise _damaged(file, "it lists no files")
    return manifest


def verify(folder: Path, manifest: Manifest) -> None:
    """Check that every file is there, inside the folder, and as it was written.

    Raises:
        InputError: names the file that is missing, truncated, changed or outside of the folder.
    """
    root = folder.resolve()
    for entry in (*manifest.files, *manifest.architecture):
        file = folder / entry.name
        if not is_plain(entry.name) or not file.resolve().is_relative_to(root):
            raise InputError(
                f"{folder / MANIFEST_FILE} names the file {entry.name!r} outside of the artifact: "
                "do not use it"
            )
        if not file.is_file():
            raise InputError(f"{file} is missing: copy the whole artifact again")
        size = file.stat().st_size
        if size < entry.bytes:
            raise InputError(
                f"{file} is truncated ({size} of {entry.bytes} bytes): copy the artifact again"
            )
        if size != entry.bytes or sha256(file) != entry.sha256:
            raise InputError(
                f"{file} was changed after it was written (its sha256 differs from the "
                "manifest's): copy the artifact again"
            )


def is_plain(name: str) -> bool:
    """Whether a name in a manifest stays inside the artifact on any system."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    rooted = posix.is_absolute() or windows.is_absolute() or bool(windows.drive or windows.root)
    return bool(name) and not rooted and ".." not in windows.parts and "\0" not in name


def entry_of(folder: Path, name: str) -> FileEntry:
    """The entry of a file that lies in `folder`."""
    file = folder / name
    return FileEntry(name=name, sha256=sha256(file), bytes=file.stat().st_size)


def sha256(file: Path) -> str:
    """Digest of a file's content, hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _damaged(file: Path, why: str) -> InputError:
    return InputError(f"{file} is damaged ({why}): copy the artifact again")
