"""Where every candidate of a halving stands between its rungs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from paretune.core import InputError
from paretune.search.finish._accelerator import accelerator
from paretune.search.finish._saved import Saved, read


class States:
    """States of candidates, each of which a later rung goes on from.

    Weights and momenta of one take four times its size. Where there is a folder they are kept there
    and nowhere else, and only as long as something may go on from them.

    Args:
        keys: fingerprint of each candidate's request, by name.
        folder: where states are kept, in memory where there is none.
    """

    def __init__(self, keys: Mapping[str, str], folder: Path | None) -> None:
        self._keys, self._folder = dict(keys), folder
        self._places = {name: place for place, name in enumerate(keys)}
        # The last rung that each has finished: its file, and its state or what is told of it.
        self._last: dict[str, tuple[Path | None, Saved]] = {}

    def file(self, name: str, rung: int) -> Path | None:
        """Where a candidate's state is kept during a rung and after it."""
        return self._folder / f"{self._places[name]}-{rung}.pt" if self._folder else None

    def begin(self, name: str, rung: int, share: float) -> Saved:
        """The state that a rung of so many seconds goes on from, under that rung's key.

        Raises:
            InputError: what a rung before has left is of another request, or gone.
        """
        key = f"{self._keys[name]} {rung} {share!r}"
        if name not in self._last:
            return Saved(key=key)
        file, known = self._last[name]
        state = known if file is None else read(file, known.key)
        if state is None:
            raise InputError(f"{file} is gone, which {name} was to be trained on from")
        return state.next_budget(key)

    def finished(self, name: str, rung: int, state: Saved) -> None:
        """A candidate has finished a rung: nothing goes on from the one before."""
        self.dropped(name)
        file = self.file(name, rung)
        self._last[name] = (file, state.light() if file else state)

    def failed(self, name: str, rung: int, state: Saved) -> None:
        """A candidate has failed, for a reason that the state gives: so it does after a kill."""
        file = self.file(name, rung)
        if file is not None and accelerator().is_main_process:
            state.write(file)

    def dropped(self, name: str) -> None:
        """Nothing goes on from a candidate's last rung: how it came off is all that is kept."""
        file, known = self._last.pop(name, (None, None))
        if file is not None and known is not None and accelerator().is_main_process:
            known.write(file)
