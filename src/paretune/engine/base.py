"""Where work runs: objects living in processes of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class Actor(ABC):
    """An object in another process; its methods are called from here, one at a time."""

    @abstractmethod
    def call(self, method: str, /, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """Call a method over there and return its result.

        Raises:
            ParetuneError: the same kind the method raised, where it raised one of ours.
            WorkerError: any other exception there, the process died, or `timeout` seconds passed.
        """

    @abstractmethod
    def close(self) -> None:
        """End the process. Idempotent."""

    def __enter__(self) -> Actor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Engine(ABC):
    """Starts actors."""

    @abstractmethod
    def actor(self, factory: str, /, *args: Any, **kwargs: Any) -> Actor:
        """Start a process and create `factory(*args, **kwargs)` there.

        Args:
            factory: `package.module:name` of an importable class or function.

        Raises:
            ParetuneError, WorkerError: as `Actor.call`, from the factory.
        """

    @abstractmethod
    def within(self, environment: Mapping[str, str]) -> Engine:
        """The same engine, its processes started with these variables beside what they had."""
