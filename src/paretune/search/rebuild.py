"""A found network on disk: a description that a person can read, its weights, and the way back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from paretune.core import InputError, Model, Noun, ParetuneError, TensorSpec
from paretune.search.proposals import Proposals
from paretune.search.space import KEEP, Option, Space

if TYPE_CHECKING:
    from torch import nn

DESCRIPTION, WEIGHTS = "architecture.json", "architecture.safetensors"
SCHEMA = 1


class Piece(Noun):
    """What one run of blocks became: `operator` with `params` in the place of `blocks`."""

    blocks: tuple[str, ...]
    became: str
    operator: str
    params: dict[str, Any]


class Description(Noun):
    """A network as changes to the user's model.

    Attributes:
        schema_: `schema` in the file; another number is refused.
        model: the MODEL text.
        model_digest: of the model's structure and weights when it was searched.
        inputs: of the network.
        pieces: every run of blocks, in the network's order.
    """

    schema_: int = Field(default=SCHEMA, alias="schema", serialization_alias="schema")
    model: str
    model_digest: str
    inputs: tuple[TensorSpec, ...]
    pieces: tuple[Piece, ...]


def files(
    model: Model, proposals: Proposals, ids: Sequence[str], module: nn.Module
) -> dict[str, bytes]:
    """Content by file name: the description and the weights.

    Args:
        model: what was searched.
        proposals: its blocks and options.
        ids: options of the network, in order.
        module: the network, trained.
    """
    import torch
    from safetensors.torch import save

    space = proposals.space
    options = [space.options[space.index[name]] for name in ids]
    description = Description(
        model=model.name,
        model_digest=model.digest,
        inputs=model.inputs,
        pieces=tuple(
            Piece(
                blocks=tuple(
                    path for b in proposals.blocks[o.first : o.last + 1] for path in b.members
                ),
                became=proposals.words(o),
                operator=o.operator,
                params=o.params,
            )
            for o in options
        ),
    )
    # One tensor under two names is written once for each: nothing here must stay shared.
    plain = torch.contiguous_format
    state = {
        name: tensor.detach().clone(memory_format=plain)
        for name, tensor in module.state_dict().items()
    }
    return {
        DESCRIPTION: (description.model_dump_json(by_alias=True, indent=1) + "\n").encode(),
        WEIGHTS: save(state),
    }


def network(folder: Path, baseline: nn.Module | None = None) -> nn.Module:
    """Build the network again, in eval mode.

    Args:
        folder: with both files.
        baseline: the user's model, with any weights; brought in by its text by default, unless
            that names code to run.

    Raises:
        InputError: a damaged description, the model has other blocks than it had, or nothing but
            the description says that its code is to be run.
        MissingPackageError: PyTorch is not installed.
    """
    from safetensors.torch import load_file

    from paretune.search.blocks import find
    from paretune.search.network.compose import compose
    from paretune.search.network.fill import fill
    from paretune.search.network.site import flows

    description = _read(folder / DESCRIPTION)
    module = _brought(description, baseline)
    inputs = tuple(_example(spec) for spec in description.inputs)
    module = module.eval()
    blocks = find(module, inputs)
    paths = [block.members for block in blocks]
    flowing = flows(module, blocks, inputs)
    options: list[Option] = []
    place = 0
    for piece in description.pieces:
        first = place
        covered: tuple[str, ...] = ()
        while len(covered) < len(piece.blocks) and place < len(blocks):
            covered += paths[place]
            place += 1
        if covered != piece.blocks:
            raise InputError(
                f"{description.model} has other blocks than when it was searched "
                f"({', '.join(piece.blocks[:2])} is not where it was): give the model as it was"
            )
        options.append(
            Option(
                id=f"b{first}-{place - 1}",
                first=first,
                last=place - 1,
                operator=piece.operator,
                params=piece.params,
            )
        )
    keeps = [Option(id=f"b{i}:{KEEP}", first=i, last=i, operator=KEEP) for i in range(len(blocks))]
    changed = [option for option in options if option.operator != KEEP]
    space = Space(blocks=len(blocks), options=(*keeps, *changed))
    proposals = Proposals(module, blocks, flowing, space=space)
    pieces = {(o.first, o.last): proposals.build(o, seed=0) for o in changed}
    made = compose(module, blocks, pieces)
    state = load_file(folder / WEIGHTS)
    try:
        fill(made, state)
    except RuntimeError as error:
        raise InputError(
            f"{folder / WEIGHTS} does not fit the network of {description.model} "
            f"({str(error).splitlines()[1].strip()}): give the model as it was when it was searched"
        ) from error
    return made


def _read(file: Path) -> Description:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        schema = content.get("schema", SCHEMA) if isinstance(content, dict) else SCHEMA
        if schema != SCHEMA:  # before its fields, of which a newer one may have more
            raise InputError(
                f"{file} has schema {schema} and this Paretune reads {SCHEMA}: use the version "
                "that wrote it"
            )
        return Description.model_validate(content)
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(
            f"{file} is no description of an architecture ({str(error).splitlines()[0]}): copy "
            "the artifact again"
        ) from error


def _brought(description: Description, baseline: nn.Module | None) -> Any:
    """The model as it was searched: as given, or by its text.

    Its weights do not matter, so a missing file of them does not, either.
    """
    from paretune.sources import load_model, source_of

    shape = description.inputs
    if baseline is not None:
        return load_model(baseline, input_shape=shape).module
    name, _, weights = description.model.partition("@")
    try:
        source = source_of(description.model)
    except InputError as error:  # it was a module, or its folder is elsewhere now
        raise InputError(
            f"{DESCRIPTION} is of {name}, which nothing here brings in: give the model, as "
            "to_torch(module)"
        ) from error
    if source.runs_code:
        # The text came with the artifact, from whoever made that.
        raise InputError(
            f"{DESCRIPTION} names code, {name}, which is not run on its word alone: give the "
            f"model, as to_torch({name.rpartition(':')[2]}())"
        )
    try:
        return load_model(description.model, input_shape=shape).module
    except ParetuneError:
        if not weights:
            raise
        for bare in (f"{name}@random", name):
            with suppress(ParetuneError):
                return load_model(bare, input_shape=shape).module
        raise


def _example(spec: TensorSpec) -> Any:
    """A few samples of an input: random floats; integers 0 and 1, which every vocabulary has."""
    import torch

    from paretune.search.blocks import EXAMPLES

    generator = torch.Generator().manual_seed(0)
    shape = spec.concrete(EXAMPLES)
    if spec.dtype.startswith("float"):
        return torch.randn(shape, generator=generator)
    return torch.randint(0, 2, shape, generator=generator, dtype=getattr(torch, spec.dtype))
