"""The one exception that a person sees: a single clear line, no traceback."""


class SettleError(Exception):
    """Refused or failed, with what happened, to which row or window, and what to do next.

    The command line prints the message on stderr and exits with 1.
    """
