"""Policies tried on both cores: by this process and a second one, each in schemas of its own."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Lock

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
    mine, compiled = _next(waiting), _Compiled(history.settings)
    with ThreadPoolExecutor(max_workers=1) as helper:
        others = helper.submit(_by_second_process, history, compiled, waiting) if waiting else None
        try:
            while mine:
                policy = mine.pop()
                _run(history, policy, compiled.at(TARGETS[0], policy))
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


class _Compiled:
    """The models under each policy's variables, compiled once for both processes."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._lock = settings, Lock()
        self._models: dict[str, Models] = {}

    def at(self, target: str, policy: Policy) -> Models:
        """In the schemas of a target; whoever comes while they are compiled waits."""
        variables = policy.variables.model_dump_json()
        with self._lock:
            if variables not in self._models:
                self._models[variables] = compile_models(self._settings, policy)
            return self._models[variables].at(target)


def _by_second_process(history: History, compiled: _Compiled, waiting: deque[Policy]) -> None:
    spawn = get_context("spawn")
    ours, its = spawn.Pipe()
    process = spawn.Process(target=_second, args=(its, history), daemon=True)
    process.start()
    its.close()
    try:
        while policies := _next(waiting):
            [policy] = policies
            ours.send((policy, compiled.at(TARGETS[1], policy)))
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
        while True:
            policy, models = its.recv()
            try:
                _run(history, policy, models)
                its.send("")
            except SettleError as error:
                its.send(str(error))


def _run(history: History, policy: Policy, models: Models) -> None:
    """A policy in the schemas of these models; all of it is kept, or nothing."""
    with connect(history.settings, Component.DBT) as connection:
        Run(connection, models).over(policy, history.until, grid=history.grid)


def _next(waiting: deque[Policy]) -> list[Policy]:
    with suppress(IndexError):
        return [waiting.popleft()]
    return []
