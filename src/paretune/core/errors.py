"""Every exception of the library, under one root.

The command line turns `InputError` into one line and exit code 2; an `UnsupportedError` never
leaves a run: it becomes the reason recorded on the variant that could not be had.
"""


class ParetuneError(Exception):
    """Root of all exceptions raised on purpose by Paretune."""


class InputError(ParetuneError):
    """The request cannot be served as given: says what is wrong, where, and the mend."""


class MissingPackageError(InputError):
    """An optional dependency is not installed: says what to install."""


class UnsupportedError(ParetuneError):
    """A runtime cannot do this for this model on this machine; the run goes on without it.

    Attributes:
        passing: whether it comes of this machine as it is now, so that it is not remembered.
    """

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


class WorkerError(ParetuneError):
    """Work in another process failed or the process died.

    Attributes:
        died: whether the process is gone, for want of memory or of time say, so that the work
            itself may be blameless.
    """

    def __init__(self, text: str, *, died: bool = False) -> None:
        super().__init__(text)
        self.died = died
