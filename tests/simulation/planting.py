"""How a mistake comes into a history: in its own database and programs, and in no other's."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from orchestrator.config import PROJECT_ROOT, Component
from orchestrator.database.connection import connect
from tests.simulation.compiled import Node
from tests.simulation.history import Simulation
from tests.simulation.mutants import Mutant


def plant(mutant: Mutant, simulation: Simulation) -> None:
    """Make the mistake in the history's own database and programs, before it begins."""
    with connect(simulation.settings, Component.OWNER) as database:
        for statement in mutant.without:
            database.execute(statement.encode())
    for file in dict.fromkeys(file for file, _, _ in mutant.changes):
        changes = [(old, new) for name, old, new in mutant.changes if name == file]
        if file.startswith("models/"):
            _change_model(simulation, Path(file).stem, changes)
        elif file.endswith(".sql"):
            functions = _changed(PROJECT_ROOT.joinpath(file).read_text(encoding="utf-8"), changes)
            with connect(simulation.settings, Component.OWNER) as database:
                database.execute("set local role settle_owner")
                database.execute("set local check_function_bodies = off")
                database.execute(functions.encode())
        else:
            source = _changed(PROJECT_ROOT.joinpath(file).read_text(encoding="utf-8"), changes)
            module = types.ModuleType("planted")
            sys.modules["planted"] = module  # dataclasses look themselves up
            exec(compile(source, file, "exec"), module.__dict__)  # noqa: S102 - our own source
            simulation.pay_window = module.pay_window


def _change_model(simulation: Simulation, name: str, changes: list[tuple[str, str]]) -> None:
    def changed(node: Node) -> Iterator[Node]:
        if node.name != name:
            yield node
            return
        whole, weekly = node.whole, node.weekly
        for old, new in changes:
            assert old in whole or old in weekly, f"{name} has no {old!r} any more"
            whole, weekly = whole.replace(old, new), weekly.replace(old, new)
        yield replace(node, whole=whole, weekly=weekly)

    nodes = tuple(new for node in simulation.project.nodes for new in changed(node))
    simulation.project = replace(simulation.project, nodes=nodes)
    simulation.project.replace_views(simulation.settings, only=frozenset({name}))


def _changed(text: str, changes: list[tuple[str, str]]) -> str:
    for old, new in changes:
        assert old in text, f"{old!r} is not there any more"
        text = text.replace(old, new)
    return text
