"""The one exception that a person sees: a single clear line, no traceback."""


class SettleError(Exception):
    """Refused or failed, with what happened, to which row or window, and what to do next.

    The command line prints the message on stderr, `detail` below it, and exits with 1.
    """

    def __init__(self, message: str = "", *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class FailedChecksError(SettleError):
    """The work was done and data checks of it do not hold; the text names each with its figures."""
