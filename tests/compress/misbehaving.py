"""Runtimes that fail in every way a real one can, by way of ONNX Runtime, which works.

They are named in the environment, so that building and measuring processes know them as well.
"""

import errno
import os
import signal
import sys
import time
from pathlib import Path

from paretune.core import UnsupportedError
from paretune.runtimes._common import attempt
from paretune.runtimes._onnxruntime import OnnxRuntime

HERE = "tests.compress.misbehaving"


def named(**classes):
    """What `PARETUNE_RUNTIMES` must hold for runtimes of these names."""
    return ",".join(f"{name}={HERE}:{kind.__name__}" for name, kind in classes.items())


class Base(OnnxRuntime):
    """Notes every attempt in the file that `PARETUNE_TEST_NOTES` names."""

    def prepare(self, model, precision, folder, **options):
        notes = os.environ.get("PARETUNE_TEST_NOTES")
        if notes:
            with Path(notes).open("a") as file:
                file.write(f"{self.name} {precision} {os.getpid()}\n")
        self.misbehave(folder)
        program = super().prepare(model, precision, folder, **options)
        return program.model_copy(update={"runtime": self.name})

    def misbehave(self, folder):
        """Do what this one does."""


class Sound(Base):
    name = "sound"


class Killed(Base):
    name = "killed"

    def misbehave(self, folder):
        (folder / "half").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)


class Aborting(Base):
    name = "aborting"

    def misbehave(self, folder):
        print("kernel: no such instruction", file=sys.stderr, flush=True)
        os.abort()


class Slow(Base):
    name = "slow"

    def misbehave(self, folder):
        time.sleep(120)


class Raising(Base):
    name = "raising"

    def misbehave(self, folder):
        raise RuntimeError("internal error 42\nwith a second line")


class Refusing(Base):
    name = "refusing"

    def misbehave(self, folder):
        raise UnsupportedError("it has no operator Frobnicate")


class Toolless(Base):
    """Misses what could be installed any time."""

    name = "toolless"

    def misbehave(self, folder):
        raise UnsupportedError("no compiler: install one", passing=True)


class Cramped(Base):
    """Finds no memory, as a converter does that turns all it meets into a reason."""

    name = "cramped"

    def misbehave(self, folder):
        with attempt("quantising"):
            raise MemoryError("cannot allocate 9 GB")


class Crowded(Base):
    """Finds no room on the disk, deep inside of a converter."""

    name = "crowded"

    def misbehave(self, folder):
        with attempt("converting"):
            try:
                raise OSError(errno.ENOSPC, "no space left on device")
            except OSError as error:
                raise RuntimeError("the exporter failed") from error


class DyingLater(Base):
    """Prepares, and takes its process down when it is loaded."""

    name = "dying-later"

    def load(self, program, settings):
        os.kill(os.getpid(), signal.SIGKILL)


class Absent(Base):
    name = "absent"
    packages = ("no-such-distribution",)
    install = "no-such-distribution"
