"""Work that goes on in a thread while what it hands over is used."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def beside(work: Callable[[Callable[[Item], None]], object]) -> Iterator[Item]:
    """Yield each item that the work hands over, as it does; what the work raises is raised last.

    Whoever is interrupted does not wait for the work: its thread ends with the process, and with it
    its sessions.
    """
    handed: queue.SimpleQueue[tuple[Item] | None] = queue.SimpleQueue()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work(lambda item: handed.put((item,)))
        except BaseException as error:  # whoever uses the items raises it
            failed.append(error)
        finally:
            handed.put(None)

    threading.Thread(target=run, daemon=True).start()
    while (item := handed.get()) is not None:
        yield item[0]
    if failed:
        raise failed[0]
