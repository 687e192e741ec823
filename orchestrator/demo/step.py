"""One step of the demo on the terminal."""

import time

from rich.console import Console


class Step:
    """A spinner while it runs, one line with its time when it is done."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title, self._note = console, title, ""
        self._status = console.status(title)

    def __enter__(self) -> "Step":
        self._started = time.monotonic()
        self._status.start()
        return self

    def __call__(self, note: str) -> None:
        self._note = note

    def __exit__(self, kind: object, *_: object) -> None:
        self._status.stop()
        if kind is None:
            seconds = time.monotonic() - self._started
            self._console.print(f"{seconds:6.1f} s  {self._title}", soft_wrap=True)
            if self._note:
                self._console.print(f"          [dim]{self._note}[/]", soft_wrap=True)
