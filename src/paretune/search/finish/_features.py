"""The feature term: layers of the student that are to give what layers of the teacher give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from paretune.core import InputError
from paretune.search.divergence import normalised_mse
from paretune.search.finish._loss import first

if TYPE_CHECKING:
    import torch
    from torch import nn


class Features:
    """Outputs of pairs of layers in the latest forward passes.

    Args:
        student: the student.
        teacher: the teacher.
        pairs: name of a submodule of the teacher by that of one of the student.

    Raises:
        InputError: a submodule that does not exist.
    """

    def __init__(self, student: nn.Module, teacher: nn.Module, pairs: Mapping[str, str]) -> None:
        self._pairs = tuple(pairs.items())
        self._seen: dict[tuple[str, str], torch.Tensor] = {}
        self._hooks = [
            _find(module, name, whose).register_forward_hook(self._keep((whose, name)))
            for left, right in self._pairs
            for module, name, whose in ((student, left, "student"), (teacher, right, "teacher"))
        ]

    def loss(self) -> torch.Tensor | None:
        """Mean of the pairs' normalised squared errors, a scalar; None without pairs.

        Raises:
            InputError: a pair's shapes differ.
        """
        import torch

        terms = []
        for left, right in self._pairs:
            mine, other = self._seen["student", left], self._seen["teacher", right]
            if mine.shape != other.shape:
                raise InputError(
                    f"features: {left} of the student gives {tuple(mine.shape)} and {right} of "
                    f"the teacher {tuple(other.shape)}: pair layers of one shape"
                )
            terms.append(normalised_mse(mine, other.detach()))
        return torch.stack(terms).mean() if terms else None

    def close(self) -> None:
        """Listen no more."""
        for hook in self._hooks:
            hook.remove()
        self._seen.clear()

    def _keep(self, key: tuple[str, str]) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            self._seen[key] = first(output)

        return hook


def _find(module: nn.Module, name: str, whose: str) -> nn.Module:
    try:
        return module.get_submodule(name)
    except AttributeError:
        raise InputError(f"features: the {whose} has no submodule {name!r}") from None
