"""Why a run failed, in the words of what refused."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from orchestrator.errors import FailedChecksError, SettleError
from orchestrator.formatting.cells import visible

OURS = (SettleError.__name__, FailedChecksError.__name__)


def plain_reason(failures: Iterable[dg.DagsterEvent]) -> str | None:
    """Our own words where a step gave them, else the first line of what was at the bottom of it."""
    for event in failures:
        error = _root(event)
        if error is not None:
            text = visible(error.message.strip(), keep="\n")
            if error.cls_name in OURS:
                return text.partition(": ")[2]
            return f"{event.step_key}: {text.splitlines()[0]}"
    return None


def is_failed_check(failure: dg.DagsterEvent) -> bool:
    """Whether the run did its work and only data checks of it do not hold."""
    error = _root(failure)
    return error is not None and error.cls_name == FailedChecksError.__name__


def _root(failure: dg.DagsterEvent) -> Any:
    """The first error of ours on the way to what was at the bottom, or that; None where Dagster
    kept none. (Dagster does not export the class.)"""
    error = failure.step_failure_data.error
    while error is not None and error.cause is not None and error.cls_name not in OURS:
        error = error.cause
    return error
