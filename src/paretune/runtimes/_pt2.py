"""Exported programs on disk, loaded without ever unpickling.

`torch.export.load` falls back to an unrestricted unpickler for several parts of an archive
(weights and constants marked as pickled, custom objects, sample inputs, everything in archives
before PyTorch 2.8) and loads compiled libraries found in it. `load` looks at the archive first,
through PyTorch's own reader so that both see the same contents, and refuses all of that.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretune.core import InputError, UnsupportedError
from paretune.runtimes import _pt2_code
from paretune.runtimes._common import attempt, first_line

if TYPE_CHECKING:
    from torch.export import ExportedProgram

_ALLOWED = re.compile(
    r"archive_format|archive_version|byteorder|version|\.data/\w+|\.format_version"
    r"|\.storage_alignment|models/model\.json|data/sample_inputs/model\.pt"
    r"|data/weights/(model_weights_config\.json|weight_\d+)"
    r"|data/constants/(model_constants_config\.json|tensor_\d+)"
)
_SAMPLE_INPUTS = "data/sample_inputs/model.pt"


def save(program: ExportedProgram, path: Path) -> None:
    """Write an exported program beside `path` and rename it there.

    Raises:
        UnsupportedError: PyTorch cannot serialise it.
    """
    import torch

    partial = path.with_name(f".partial-{path.name}")
    with attempt("saving the exported program"):
        torch.export.save(program, partial)
        os.replace(partial, path)  # noqa: PTH105 - named in the house rules


def copy(exported: Path, path: Path) -> None:
    """Copy an exported program that `load` will take.

    Raises:
        UnsupportedError: it will not, because the model needs more than plain operators.
    """
    try:
        check(exported)
    except InputError as error:
        raise UnsupportedError(f"the exported module cannot be loaded safely: {error}") from error
    shutil.copyfile(exported, path)


def load(path: Path) -> ExportedProgram:
    """Read an exported program that `save` wrote.

    Raises:
        InputError: the file is missing, damaged, or holds anything that would be unpickled.
    """
    from torch.export.pt2_archive._package import load_pt2

    check(path)
    try:
        program: ExportedProgram = load_pt2(str(path)).exported_programs["model"]
    except Exception as error:
        raise InputError(
            f"{path} cannot be read as an exported program ({first_line(error)}): export it again"
        ) from error
    return program


def check(path: Path) -> None:
    """Refuse an archive of which any part would be unpickled, evaluated or run as native code.

    Raises:
        InputError: the part, and the mend.
    """
    import torch

    if not path.is_file():
        raise InputError(f"there is no exported program at {path}: prepare the model again")
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        names = reader.get_all_records()
        graph = json.loads(reader.get_record("models/model.json"))
    except Exception as error:
        raise InputError(f"{path} is no whole exported program: export it again") from error
    strange = [name for name in names if not _ALLOWED.fullmatch(name)]
    if strange or len({name.lower() for name in names}) != len(names):
        raise _refusal(path, f"it holds {strange[0]!r}" if strange else "names repeat in it")
    for folder in ("weights", "constants"):
        record = f"data/{folder}/model_{folder}_config.json"
        if record in names and _pickled(json.loads(reader.get_record(record))):
            raise _refusal(path, f"its {folder} are pickled")
    if _SAMPLE_INPUTS in names:
        try:
            torch.load(io.BytesIO(reader.get_record(_SAMPLE_INPUTS)), weights_only=True)
        except Exception as error:
            raise _refusal(path, "its sample inputs are pickled objects") from error
    foreign = _pt2_code.foreign(graph)
    if foreign:
        raise _refusal(path, f"its graph holds {foreign[:60]!r}")


def _pickled(config: Any) -> bool:
    """Whether an entry of a payload configuration would be unpickled."""
    return any(
        entry.get("use_pickle") or not re.fullmatch(r"(weight|tensor)_\d+", entry["path_name"])
        for entry in config["config"].values()
    )


def _refusal(path: Path, why: str) -> InputError:
    return InputError(
        f"{path} is refused because {why}, which could run foreign code when loaded: "
        "export the model again with torch.export.save from plain tensors"
    )
