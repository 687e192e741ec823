"""What ends a history."""


class Violation(BaseException):
    """An invariant does not hold. Nothing of the product may catch it."""

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant, self.detail = invariant, detail
        self.history: list[str] = []
