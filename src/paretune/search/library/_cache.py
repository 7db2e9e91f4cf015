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
FORMAT = 4
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
        planned: seconds of the whole library. A candidate that was given less than half of its
            time is worse than it might be: it is found again where as much was planned alone.
    """

    def __init__(
        self,
        store: Store,
        model_digest: str,
        train: ArrayFolder,
        held: ArrayFolder,
        recipe: Recipe,
        seed: int,
        planned: float,
    ) -> None:
        self._store, self._planned = store, f"{planned:.3g}"
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
        name = key_digest({"kind": kind, **self._key(option, share, short=True)})[:24]
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{name}.safetensors"

    def keep(self, option: Option, share: float, kind: str, entry: Entry) -> None:
        """Remember what became of a candidate; its weights have been written."""
        self._store.put(kind, self._key(option, share, short=entry.short), entry)

    def _found(
        self, kind: str, options: Sequence[Option], share: Mapping[str, float]
    ) -> dict[str, Entry]:
        known = {}
        for option in options:
            for short in (False, True):
                payload = self._store.get(kind, self._key(option, share[option.id], short=short))
                if payload is None:
                    continue
                entry = Entry.model_validate(payload)
                if entry.weights is None or entry.weights.is_file():
                    known[option.id] = entry
                    break
        return known

    def _key(self, option: Option, share: float, *, short: bool) -> dict[str, Any]:
        """Everything that decides a candidate; seconds to three digits."""
        return {
            **self._common,
            "blocks": [option.first, option.last],
            "operator": option.operator,
            "params": option.params,
            "seconds": f"{share:.3g}",
            **({"planned": self._planned} if short else {}),
        }
