"""Statements are text that stands in the code, or are put together by psycopg.sql: never by Python.

Read from the syntax of every file, so that a new f-string in a statement is seen at once.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.config import PROJECT_ROOT

# What takes a statement, and which of its arguments it is. SQL() of psycopg.sql is one of them:
# a name formatted into its text by Python would pass as trusted.
TAKES_SQL = {
    **dict.fromkeys(("execute", "executemany", "stream", "copy", "SQL"), 0),
    **dict.fromkeys(("rows", "decide"), 1),
}
FILES = sorted((PROJECT_ROOT / "orchestrator").rglob("*.py"))


def built_by_hand(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and reason of each statement that Python's own means put together.

    A name is followed to what was assigned to it in the file; what comes from elsewhere, a
    parameter say, is judged where it is made.
    """
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            change = ast.BinOp(node.target, node.op, node.value, lineno=node.lineno)
            assigned.setdefault(node.target.id, []).append(change)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (place := TAKES_SQL.get(_name(node.func))) is not None:
            named = [k.value for k in node.keywords if k.arg in ("query", "statement", "obj")]
            for statement in [*node.args[place : place + 1], *named]:
                if reason := _reason(statement, assigned, frozenset()):
                    yield node.lineno, reason


def _name(called: ast.expr) -> str:
    return getattr(called, "attr", getattr(called, "id", ""))


def _reason(
    value: ast.expr, assigned: dict[str, list[ast.expr]], seen: frozenset[str]
) -> str | None:
    """How the value is built by hand; None where it is not."""
    if isinstance(value, ast.JoinedStr):
        return "an f-string"
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mod):
        return "%"
    is_sum = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add)
    if is_sum and not _is_composed(value, assigned):
        return "+"
    if isinstance(value, ast.Name) and value.id not in seen:
        found = (_reason(v, assigned, seen | {value.id}) for v in assigned.get(value.id, ()))
        return next(filter(None, found), None)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        on = value.func.value
        if value.func.attr in ("format", "join", "replace") and not _is_composed(on, assigned):
            return f"str.{value.func.attr}"
        return _reason(on, assigned, seen)
    if isinstance(value, ast.IfExp):
        return _reason(value.body, assigned, seen) or _reason(value.orelse, assigned, seen)
    return None


def _is_composed(value: ast.expr, assigned: dict[str, list[ast.expr]]) -> bool:
    """Whether a value is of psycopg.sql, whose format and join quote what they are given."""
    if isinstance(value, ast.Name):
        return any(_is_composed(v, {}) for v in assigned.get(value.id, ()))
    if isinstance(value, ast.BinOp):
        return _is_composed(value.left, assigned) and _is_composed(value.right, assigned)
    if isinstance(value, ast.Call):
        of = value.func.value if isinstance(value.func, ast.Attribute) else value.func
        return _name(value.func) in ("SQL", "Composed") or _is_composed(of, assigned)
    return False


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT_ROOT)))
def test_no_statement_is_put_together_by_hand(file: Path) -> None:
    assert list(built_by_hand(ast.parse(file.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    [
        'c.execute(f"select {x}")',
        'c.execute(f"select {x}".encode())',
        'c.execute("select %s" % x)',
        'c.execute("select " + x)',
        'c.execute("select {}".format(x))',
        'c.execute(" and ".join(x))',
        'c.execute(query=f"select {x}")',
        'q = f"select {x}"\nc.execute(q.encode())',
        'q = "select 1"\nq += x\nc.execute(q)',
        'sql.SQL(f"select {x}").format()',
        'sql.SQL(TEXT + " as {}").format()',
        'rows(c, f"select {x}")',
        'c.copy(f"copy {x} to stdout".encode())',
        'c.execute("a" if x else f"b{x}")',
    ],
)
def test_the_search_finds(code: str) -> None:
    assert list(built_by_hand(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        'c.execute("select %s", [x])',
        'c.execute(sql.SQL("select {}").format(sql.Identifier(x)))',
        'q = sql.SQL("select {}")\nc.execute(q.format(sql.Identifier(x)))',
        'c.execute(sql.SQL(", ").join(x))',
        'c.execute(sql_file("name").encode())',
    ],
)
def test_and_lets_pass(code: str) -> None:
    assert not list(built_by_hand(ast.parse(code)))
