"""`FILE.xml` (OpenVINO IR), and TensorFlow's files through OpenVINO's own front ends."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from paretune.core import InputError, Model, TensorSpec
from paretune.sources._files import existing, model_of_file
from paretune.sources._imports import first_line, need
from paretune.sources._registry import register
from paretune.sources.base import Request, Source

_SAVED_MODEL = "saved_model.pb"


class OpenvinoSource(Source):
    """Reads inputs and outputs through OpenVINO; nothing is compiled."""

    name: ClassVar[str] = "openvino"
    form: ClassVar[str] = "FILE.xml | SAVED_MODEL_FOLDER | FILE.tflite"

    def match(self, text: str) -> bool:
        """Whether `text` ends in `.xml` or `.tflite`, or is a SavedModel folder."""
        return (
            text.lower().endswith((".xml", ".tflite"))
            or (Path(text).expanduser() / _SAVED_MODEL).is_file()
        )

    def load(self, text: str, request: Request) -> Model:
        """Check the files and describe them."""
        path = existing(text, request)
        ov = need("openvino", to=f"model {text}", install="openvino")
        if path.is_dir():
            files = _saved_model_files(path, text)
        elif path.suffix.lower() == ".xml":
            files = _ir_files(path, text)
        else:
            files = [path]
        try:
            graph = ov.Core().read_model(path)
        except RuntimeError as error:
            raise InputError(
                f"OpenVINO cannot read {text}: {_reason(error)}; copy or export it again"
            ) from None
        return model_of_file(
            path,
            name=text,
            source=self.name,
            request=request,
            inputs=_specs(graph.inputs, "input", text),
            outputs=_specs(graph.outputs, "output", text),
            files=files,
        )


def _reason(error: RuntimeError) -> str:
    """OpenVINO's message without the lines that only say where in its source it was raised."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(("Exception from", "Check '"))]
    return said[-1].rstrip(".:")[:300] if said else first_line(error)


def _saved_model_files(folder: Path, text: str) -> list[Path]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    empty = [file for file in files if file.name == _SAVED_MODEL and file.stat().st_size == 0]
    if empty:
        raise InputError(f"{text}/{_SAVED_MODEL} is empty: save the model again")
    return files


def _ir_files(path: Path, text: str) -> list[Path]:
    """The `.xml` and its `.bin`, which must be as long as the constants in the graph say."""
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as error:
        raise InputError(
            f"{text} is not a whole OpenVINO IR ({first_line(error)}): copy or save it again"
        ) from None
    if root.tag != "net":
        raise InputError(f"{text} is no OpenVINO IR: its root is <{root.tag}>, not <net>")
    end = max(
        (
            int(data.get("offset", 0)) + int(data.get("size", 0))
            for layer in root.iter("layer")
            if layer.get("type") == "Const"
            for data in layer.findall("data")
        ),
        default=0,
    )
    weights = path.with_suffix(".bin")
    if end == 0 and not weights.exists():
        return [path]
    if not weights.is_file():
        raise InputError(f"{text} needs {weights.name} beside it: copy both files")
    if weights.stat().st_size < end:
        raise InputError(
            f"{weights.name} beside {text} is truncated ({weights.stat().st_size} of {end} "
            "bytes): copy it again"
        )
    return [path, weights]


def _specs(ports: Sequence[Any], role: str, text: str) -> list[TensorSpec]:
    specs = []
    for index, port in enumerate(ports):
        names = sorted(port.get_names(), key=lambda name: (len(name), name))
        shape = port.get_partial_shape()
        if shape.rank.is_dynamic:
            if role == "input":
                raise InputError(
                    f"{text} takes an input of unknown rank: export it with a shape for every input"
                )
            shape = ()
        specs.append(
            TensorSpec(
                name=names[0] if names else role if len(ports) == 1 else f"{role}_{index}",
                shape=tuple(None if d.is_dynamic else d.get_length() for d in shape),
                dtype=str(port.get_element_type().to_dtype()),
            )
        )
    return specs


register(OpenvinoSource())
