"""`README.md` of an artifact."""

from __future__ import annotations

from paretune.artifact import headline
from paretune.artifact.manifest import Manifest
from paretune.core import Result


def readme(manifest: Manifest, result: Result | None) -> str:
    """What it is, how to use it in five lines, and what was measured."""
    what = f"{manifest.runtime}, {manifest.precision}"
    if manifest.recipe:
        what += f" ({manifest.recipe})"
    parts = [f"# {_plain(manifest.model)}", f"{what}, made by Paretune {manifest.paretune}."]
    if result is not None:
        lines = [headline.speed(result), headline.accuracy(result), headline.where(result)]
        parts.append("\n".join(f"- {_plain(line)}" for line in lines))
    if manifest.architecture:
        parts.append(
            "A search changed the architecture: `architecture.json` says how, and "
            '`paretune.load(".").to_torch()` builds it in PyTorch, to be trained on.'
        )
    parts.append("## Use\n\n```python\n" + _example(manifest) + "\n```")
    parts.append("## Needs\n\n" + _needs(manifest))
    return "\n\n".join(parts) + "\n"


def _example(manifest: Manifest) -> str:
    """Some lines that run where the artifact's folder is the working directory."""
    if manifest.needs_code:
        return "\n".join(
            [
                f"# There are weights alone, because {_plain(manifest.needs_code)}",
                "from safetensors.torch import load_model",
                "",
                "model = ...  # the module, made by its own code",
                f"load_model(model, {manifest.files[0].name!r})",
            ]
        )
    if manifest.preprocessing is None:
        feeds = ", ".join(
            f"{spec.name!r}: np.zeros({spec.concrete(1)}, {spec.dtype!r})"
            for spec in manifest.inputs
        )
        first = ["import numpy as np", "import paretune", "", 'model = paretune.load(".")']
        return "\n".join([*first, f"print(model.run({{{feeds}}}))"])
    sample = "photo.jpg" if manifest.preprocessing.kind == "image" else "a text"
    shown = (
        "prediction.label, prediction.probability"
        if manifest.task == "classification"
        else "prediction.outputs"
    )
    return "\n".join(
        [
            "import paretune",
            "",
            'model = paretune.load(".")',
            f'for prediction in model.predict(["{sample}"]):',
            f"    print({shown})",
        ]
    )


def _needs(manifest: Manifest) -> str:
    extra = "[text]" if getattr(manifest.preprocessing, "kind", "") == "text" else ""
    lines = [f"- Paretune {manifest.paretune}, installed as `paretune{extra}`"]
    lines += [f"- {name} (made with {version})" for name, version in manifest.packages.items()]
    if manifest.needs_isa:
        lines.append(f"- a CPU with {' or '.join(manifest.needs_isa)}")
    lines.append(f"- measured on {_plain(manifest.target.label)}; elsewhere the figures differ")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text from outside on one line, so that it cannot break the page's structure."""
    return " ".join(text.split()).replace("<", "&lt;")
