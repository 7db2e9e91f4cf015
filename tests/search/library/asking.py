"""Asking for a library of the tiny network: what, how, and what is heard meanwhile."""

import math

from paretune.engine import LocalEngine
from paretune.search.library import Library, Recipe

RECIPE = Recipe(steps=40, drift=0.5, batch=32, samples=128, held_out=64, settle=64)
OPTIONS = [
    "b1:skip",
    "b1:basic(width=0.5)",
    "b1-3:basic(width=1)",
    "b2:faulty(how=dies-once)",
    "b2:faulty(how=dies)",
    "b3:faulty(how=unsound)",
    "b3:faulty(how=diverges)",
    "b3:faulty(how=hungry)",
    "b5:basic(width=0.5)",
]


class Heard:
    """A progress that remembers, and interrupts after so many steps."""

    def __init__(self, stop=math.inf):
        self.stages, self.steps, self.notes, self._stop = [], [], [], stop

    def stage(self, name, total):
        self.stages.append(name)

    def step(self, text):
        self.steps.append(text)
        if len(self.steps) >= self._stop:
            raise KeyboardInterrupt

    def note(self, text):
        self.notes.append(text)


def train(tiny, proposals, splits, store, **options):
    given = {"engine": LocalEngine(), "seconds": 60, "seed": 3, "recipe": RECIPE, "workers": 2}
    return Library.train(
        proposals,
        splits[0],
        search=splits[1],
        model_digest=tiny.digest,
        store=store,
        **(given | {"options": OPTIONS} | options),
    )
