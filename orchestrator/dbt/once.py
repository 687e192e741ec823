"""What dbt does again for each node, done once: a fifth of a build's Python.

Each node has the names of all 540 macros twice, looked up one by one in five dictionaries; compiles
the template of its tests, most of which have the same text; and makes messages and lines of a dozen
events that no log is to have.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

from dbt.context import macros
from dbt_common.clients.jinja import MacroFuzzEnvironment
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager, IEventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager, get_event_manager

UNSAID = (EventLevel.DEBUG, EventLevel.TEST)
compile_anew = MacroFuzzEnvironment.compile

# The code of each text, by the class of its environment.
COMPILED: dict[tuple[type, str], CodeType] = {}


class FlatNamespace(macros.MacroNamespace):
    """dbt's own, in one dictionary: the first that it would find under each name."""

    def __init__(self, *namespaces: Any, **named: Any) -> None:
        super().__init__(*namespaces, **named)
        self._found: dict[str, Any] = {}
        for names in reversed(list(self._search_order())):
            self._found.update(names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, name: str) -> Any:
        return self._found[name]


class SaidEvents(EventManager):
    """dbt's own, but that an event for debugging stays as it is where no log has such events."""

    def fire_event(
        self,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        """As dbt does it, which looks at the level last."""
        is_unsaid = (level or e.level_tag()) in UNSAID and not force_warn_or_error_handling
        if is_unsaid and not any(logger.level in UNSAID for logger in self.loggers):
            return
        super().fire_event(e, level, node, force_warn_or_error_handling)


def compile_once(environment: Any, source: Any, *places: Any, **options: Any) -> Any:
    """Jinja's `compile`: what it makes of a text depends on the class of the environment alone."""
    if not isinstance(source, str) or any(places) or any(options.values()):
        return compile_anew(environment, source, *places, **options)
    key = type(environment), source
    if key not in COMPILED:
        COMPILED[key] = compile_anew(environment, source)
    return COMPILED[key]


@contextmanager
def done_once() -> Iterator[None]:
    """dbt commands in this process meanwhile do each of these once."""
    usual = macros.MacroNamespace, MacroFuzzEnvironment.compile, get_event_manager()
    _replace(FlatNamespace, compile_once, SaidEvents())
    try:
        yield
    finally:
        _replace(*usual)


def _replace(namespace: Any, compiled: Any, events: IEventManager) -> None:
    macros.MacroNamespace = namespace  # type: ignore[misc]
    MacroFuzzEnvironment.compile = compiled  # type: ignore[method-assign]
    ctx_set_event_manager(events)
