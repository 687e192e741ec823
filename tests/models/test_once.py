"""What dbt does again for each node is done once, and comes to the same."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
from dbt_common.clients.jinja import get_template
from dbt_common.events.base_types import EventLevel
from dbt_common.events.logger import LoggerConfig
from dbt_common.events.types import Note

from orchestrator.dbt import once

# Under one name in several packages: of the node, of the project, of another, of dbt itself.
MACROS = {
    "settle": ("money", "statement", "shared"),
    "theirs": ("money", "shared", "theirs_alone"),
    "dbt": ("statement", "is_incremental", "shared"),
    "dbt_postgres": ("statement", "postgres__now"),
}


@pytest.mark.parametrize("package", MACROS)
def test_names_are_found_as_dbt_finds_them(package: str) -> None:
    builder = MacroNamespaceBuilder("settle", package, None, ["dbt_postgres", "dbt"])  # type: ignore[arg-type]
    macros: Any = {
        owner: {n: SimpleNamespace(name=n, package_name=owner) for n in names}
        for owner, names in MACROS.items()
    }
    theirs = builder.build_namespace(macros, {})
    ours = once.FlatNamespace(
        theirs.global_namespace,
        theirs.local_namespace,
        theirs.global_project_namespace,
        theirs.packages,
    )
    assert isinstance(ours, MacroNamespace)
    assert dict(ours) == dict(theirs)
    assert len(ours) == len(theirs)
    for name in ("shared", "dbt", "nowhere"):
        assert ours.get(name) is theirs.get(name)
        assert ours.get_from_package("dbt", name) is theirs.get_from_package("dbt", name)


def test_a_text_is_compiled_once_for_each_kind_of_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = []

    def counting(environment: Any, source: str, *places: Any, **options: Any) -> Any:
        compiled.append((type(environment).__name__, source))
        return compile_anew(environment, source, *places, **options)

    compile_anew: Callable[..., Any] = once.compile_anew
    monkeypatch.setattr(once, "compile_anew", counting)
    monkeypatch.setattr(once, "COMPILED", {})
    text = "{{ number }} {% if number > 1 %}rows{% else %}row{% endif %}"
    with once.done_once():
        found = [
            get_template(text, {"number": number}, native=native).render({"number": number})
            for number in (1, 2)
            for native in (False, True)
        ]
    assert found == ["1 row", "1 row", "2 rows", "2 rows"]
    assert compiled == [("MacroFuzzEnvironment", text), ("NativeSandboxEnvironment", text)]


@pytest.mark.parametrize(
    ("log", "heard"),
    [(EventLevel.INFO, ["info", "warn"]), (EventLevel.DEBUG, ["debug", "info", "warn"])],
)
def test_an_event_for_debugging_is_made_into_a_message_where_a_log_has_such(
    log: EventLevel, heard: list[str]
) -> None:
    events, found = once.SaidEvents(), []
    events.add_logger(LoggerConfig(name="test", level=log, filter=lambda _: False))
    events.add_callback(lambda message: found.append(message.info.level))
    for level in (EventLevel.DEBUG, EventLevel.INFO, EventLevel.WARN):
        events.fire_event(Note(msg="said"), level)
    assert found == heard


def test_dbt_is_as_it_was_afterwards() -> None:
    before = (
        once.macros.MacroNamespace,
        once.MacroFuzzEnvironment.compile,
        once.get_event_manager(),
    )
    with once.done_once():
        assert once.macros.MacroNamespace is once.FlatNamespace
    assert before == (
        once.macros.MacroNamespace,
        once.MacroFuzzEnvironment.compile,
        once.get_event_manager(),
    )
