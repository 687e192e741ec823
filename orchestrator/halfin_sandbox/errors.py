"""Refusals, in the words of the rail."""

from collections.abc import Iterable, Sequence


class RailError(Exception):
    """A refusal, in the words of the rail's error envelope."""

    def __init__(
        self, status: int, code: str, message: str, details: Iterable[str] = (), retry_s: int = 0
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.retry_s = list(details), retry_s


def invalid(problems: Sequence[str]) -> RailError:
    message = f"The request has {len(problems)} problem(s); nothing was created"
    return RailError(400, "validation_error", message, problems)
