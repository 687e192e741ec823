"""Policies tried on both cores: by this process and a second one, each in schemas of its own."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection

from orchestrator.backtest.models import SCHEMAS, TARGETS, Models, compile_models
from orchestrator.backtest.policy import Policy
from orchestrator.backtest.run import Run
from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.builds import one_build
from orchestrator.errors import SettleError


@dataclass(frozen=True)
class History:
    """What every policy is tried on: closes up to an instant, and the grid its measures are of."""

    settings: Settings
    until: datetime
    grid: str = ""


def try_each(history: History, policies: Sequence[Policy]) -> None:
    """Run each policy over the history, the first of them in this process and its schemas.

    Raises the SettleError of one that failed once the other process is done with its own: what both
    tried until then is kept.
    """
    waiting = deque(policies)
    mine = _next(waiting)
    with ThreadPoolExecutor(max_workers=1) as helper:
        others = helper.submit(_by_second_process, history, waiting) if waiting else None
        try:
            run = _runner(history, TARGETS[0])
            while mine:
                run(mine.pop())
                mine = _next(waiting)
        finally:
            waiting.clear()
        if others:
            others.result()


def wait_for_second(settings: Settings) -> None:
    """Until nobody works in the second schemas: a process whose parent was killed ends its policy
    and keeps what it measured."""
    with one_build(settings, SCHEMAS[1]):
        pass


def _by_second_process(history: History, waiting: deque[Policy]) -> None:
    spawn = get_context("spawn")
    ours, its = spawn.Pipe()
    process = spawn.Process(target=_second, args=(its, history), daemon=True)
    process.start()
    its.close()
    try:
        while policies := _next(waiting):
            ours.send(policies[0])
            failure = ours.recv()
            if failure:
                raise SettleError(failure)
    except (EOFError, OSError) as error:
        raise SettleError("the second process of the backtest has ended: run it again") from error
    finally:
        waiting.clear()
        ours.close()
        process.join()


def _second(its: Connection, history: History) -> None:
    """Try what arrives until nobody is there to send more."""
    with suppress(EOFError, OSError, KeyboardInterrupt), one_build(history.settings, SCHEMAS[1]):
        run = _runner(history, TARGETS[1])
        while True:
            policy = its.recv()
            try:
                run(policy)
                its.send("")
            except SettleError as error:
                its.send(str(error))


def _runner(history: History, target: str) -> Callable[[Policy], None]:
    """One policy after another in the schemas of a target; all of one is kept, or nothing."""
    compiled: dict[str, Models] = {}

    def run(policy: Policy) -> None:
        variables = policy.variables.model_dump_json()
        if variables not in compiled:
            compiled[variables] = compile_models(history.settings, policy, target)
        with connect(history.settings, Component.DBT) as connection:
            Run(connection, compiled[variables]).over(policy, history.until, grid=history.grid)

    return run


def _next(waiting: deque[Policy]) -> list[Policy]:
    with suppress(IndexError):
        return [waiting.popleft()]
    return []
