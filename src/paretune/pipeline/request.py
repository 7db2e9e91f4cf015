"""What the user asked for, checked before anything is done."""

from __future__ import annotations

import hashlib
from typing import Literal

from paretune import runtimes
from paretune.core import (
    DEFAULT_CONSTRAINT,
    DEVICES,
    PRECISIONS,
    UNLABELLED_CONSTRAINTS,
    Constraint,
    InputError,
    MissingPackageError,
    Noun,
    Objective,
    Target,
    parse_constraint,
)
from paretune.runtimes.base import Settings

Effort = Literal["compile", "quantize", "search"]
EFFORTS = ("compile", "quantize", "search")
#: Seconds below which a search has no time for any of its steps.
LEAST_SEARCH = 150.0


class Request(Noun):
    """One `optimize` request.

    Attributes:
        model: the MODEL text.
        data: the DATA text.
        effort: `compile` tries runtimes and precisions that need no calibration; `quantize`
            adds int8; `search` changes the architecture, too.
        constraints: texts; the default ones stand unless one is about accuracy or divergence.
        objective: what is made best among variants that meet the constraints.
        price_per_hour: of the machine, USD; needed by the objective `cost`.
        budget_s: seconds for the whole request.
        seed: of splits, resampling and calibration subset.
        threads: thread counts to try; empty for all cores, half of them and one.
        batch: samples per call.
        runtimes: names to try; empty for all.
        precisions: to try; empty for all.
        device: `cpu` or `cuda`.
        metric: name or `package.module:function`; None for the natural one.
    """

    model: str
    data: str
    effort: str = "quantize"
    constraints: tuple[str, ...] = ()
    objective: str = "latency"
    price_per_hour: float | None = None
    budget_s: float = 1800.0
    seed: int = 0
    threads: tuple[int, ...] = ()
    batch: int = 1
    runtimes: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ()
    device: str = "cpu"
    metric: str | None = None

    @property
    def digest(self) -> str:
        """Identity of the request; a run may be resumed with another budget."""
        text = self.model_dump_json(exclude={"budget_s"})
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def parsed_constraints(self, *, agreement: bool = False) -> tuple[Constraint, ...]:
        """The constraints, after the default ones where none is about accuracy or divergence.

        Args:
            agreement: accuracy is that with the baseline, for lack of labels.

        Raises:
            InputError: one does not parse.
        """
        parsed = [parse_constraint(text) for text in self.constraints]
        if not any(constraint.guards for constraint in parsed):
            texts = UNLABELLED_CONSTRAINTS if agreement else (DEFAULT_CONSTRAINT,)
            parsed = [*map(parse_constraint, texts), *parsed]
        return tuple(parsed)

    def most_threads(self, target: Target) -> int:
        """The most threads that a variant may use."""
        return max(self.threads, default=target.usable_cores)

    def search_settings(self, target: Target, threads: int | None = None) -> Settings:
        """How a search runs the networks that it times: on the most threads by default."""
        return Settings(threads=threads or self.most_threads(target), batch=self.batch)

    def check(self, target: Target) -> None:
        """Refuse what cannot be served on that target.

        Raises:
            InputError: one sentence with the mend.
        """
        if self.effort not in EFFORTS:
            raise InputError(f"effort {self.effort!r} is unknown: give one of {', '.join(EFFORTS)}")
        if self.effort == "search" and self.budget_s < LEAST_SEARCH:
            raise InputError(
                f"a budget of {self.budget_s:.0f} s is too short to search in: the smallest useful "
                f"search needs {LEAST_SEARCH:.0f} s, so give --budget 3m or more"
            )
        if any(c.metric == "cost" for c in self.parsed_constraints()):
            Objective.parse("cost", price_per_hour=self.price_per_hour)
        Objective.parse(self.objective, price_per_hour=self.price_per_hour)
        device = next((device for device in DEVICES if device == self.device), None)
        if device is None:
            raise InputError(f"device {self.device!r} is unknown: give cpu or cuda")
        if device == "cuda" and not target.gpus:
            raise InputError(
                "device cuda was asked for but this machine shows no CUDA GPU: give cpu"
            )
        for name in self.runtimes:
            if not runtimes.get(name).precisions(target, device):
                raise InputError(
                    f"runtime {name} does not run on {device}: leave it out, or give another "
                    "--device"
                )
            absent = runtimes.available()[name].reason
            if absent:
                raise MissingPackageError(f"runtime {name} was asked for but {absent}")
        for precision in self.precisions:
            if precision not in PRECISIONS:
                known = ", ".join(PRECISIONS)
                raise InputError(f"precision {precision!r} is unknown: give one of {known}")
        if self.batch < 1:
            raise InputError(f"a batch of {self.batch} holds no sample: give --batch 1 or more")
        for count in self.threads:
            if not 1 <= count <= target.physical_cores:
                raise InputError(
                    f"{count} threads were asked for but this process may use "
                    f"{target.physical_cores} cores: give --threads 1 to {target.physical_cores}"
                )
