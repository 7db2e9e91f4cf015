"""Trained candidates by content: weights in files, what is known of them in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paretune.data import ArrayFolder
from paretune.search.library._entry import Entry
from paretune.search.library._recipe import Recipe
from paretune.search.space import Option
from paretune.store import Store, key_digest, paths

#: Raised when the same request would train something else, so that older weights are not reused.
FORMAT = 3
#: Kinds of record: of a candidate that is done, and of one that has its first round behind it.
DONE, DRAFT = "candidate", "candidate-draft"


class Cache:
    """Finds and keeps candidates of one baseline.

    Args:
        store: for the records.
        model_digest: sha256 of the baseline.
        train: inputs that candidates are trained on.
        held: inputs that they are judged on.
        recipe: how they are trained.
        seed: of everything random.
    """

    def __init__(
        self,
        store: Store,
        model_digest: str,
        train: ArrayFolder,
        held: ArrayFolder,
        recipe: Recipe,
        seed: int,
    ) -> None:
        self._store = store
        self._common = {
            "format": FORMAT,
            "model": model_digest,
            "train": train.digest,
            "held": held.digest,
            "recipe": recipe,
            "seed": seed,
        }
        self._folder = paths.home() / "library" / model_digest[:16]

    def films(self) -> Path:
        """Where this request's activations are recorded: the same place after a kill."""
        return self._folder / f"films-{key_digest(self._common)[:16]}"

    def finished(self, options: Sequence[Option], share: Mapping[str, float]) -> dict[str, Entry]:
        """Those that are done, with their weights still there, by id."""
        return self._found(DONE, options, share)

    def drafts(self, options: Sequence[Option], share: Mapping[str, float]) -> dict[str, Entry]:
        """Those that have their first round behind them, by id."""
        return self._found(DRAFT, options, share)

    def file(self, option: Option, share: float, kind: str) -> Path:
        """Where weights of that kind belong."""
        name = key_digest({"kind": kind, **self._key(option, share)})[:24]
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{name}.safetensors"

    def keep(self, option: Option, share: float, kind: str, entry: Entry) -> None:
        """Remember what became of a candidate; its weights have been written."""
        self._store.put(kind, self._key(option, share), entry)

    def _found(
        self, kind: str, options: Sequence[Option], share: Mapping[str, float]
    ) -> dict[str, Entry]:
        known = {}
        for option in options:
            payload = self._store.get(kind, self._key(option, share[option.id]))
            if payload is not None:
                entry = Entry.model_validate(payload)
                if entry.weights is None or entry.weights.is_file():
                    known[option.id] = entry
        return known

    def _key(self, option: Option, share: float) -> dict[str, Any]:
        """Everything that decides a candidate; its promised seconds to three digits."""
        return {
            **self._common,
            "blocks": [option.first, option.last],
            "operator": option.operator,
            "params": option.params,
            "seconds": f"{share:.3g}",
        }
