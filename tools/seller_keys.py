"""What in a compiled model crosses sellers, and so would keep all of them on one machine.

A Postgres that is distributed by seller (Citus) answers on each machine what it has there. That
holds for a join only if it names the seller, for a window function if it is partitioned by the
seller, for `distinct on` if it keeps rows of each seller. Nothing recursive is taken apart at all.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

KEY = "seller_id"
DIALECT = "postgres"

# Per schema and relation: its columns, each with a type.
Columns = Mapping[str, Mapping[str, Mapping[str, str]]]
# A relation where one select reads it: the select's scope, and the relation's name there.
Place = tuple[int, str]


def crossings(statement: str, columns: Columns) -> Iterator[str]:
    """One line for each place where the statement joins, orders or repeats over sellers."""
    query: Any = qualify(
        parse_one(statement, dialect=DIALECT),
        schema=dict(columns),
        dialect=DIALECT,
        validate_qualify_columns=False,
    )
    if any(each.recursive for each in query.find_all(exp.With)):
        yield "is recursive: no part of that runs beside another"
    scopes = traverse_scope(query)
    ties = Ties(columns)
    for scope in scopes:
        ties.read(scope)
    for scope in scopes:
        yield from ties.apart(scope)
        if ties.of_sellers(scope):
            yield from unpartitioned(scope.expression)


class Ties:
    """Which relations of a statement its conditions tie to each other by the seller."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self._next: dict[Place, Place] = {}

    def read(self, scope: Scope) -> None:
        """Tie what the scope says is of one seller, in it and around it."""
        for condition in conditions(scope.expression):
            for one, other in equal_pairs(condition):
                self._tie(self._place(scope, one), self._place(scope, other))
        for name in scope.selected_sources:
            source = within_lateral(scope.sources[name])
            if isinstance(source, Scope) and source.is_correlated_subquery:
                self._tie((id(scope), name), self._place(source, given_key(source.expression)))

    def of_sellers(self, scope: Scope) -> list[str]:
        """What the scope reads that has a seller, by its name there."""
        return [name for name in scope.selected_sources if self._has_seller(scope.sources[name])]

    def apart(self, scope: Scope) -> Iterator[str]:
        """What the scope reads of sellers without a tie to the first such, or to those around."""
        names = self.of_sellers(scope)
        if not names:
            return
        first = self._end((id(scope), names[0]))
        for name in names[1:]:
            if self._end((id(scope), name)) != first:
                yield f"joins {name} to {names[0]} without the seller"
        if scope.is_correlated_subquery and scope.parent is not None:
            around = {self._end((id(scope.parent), n)) for n in self.of_sellers(scope.parent)}
            if around and first not in around:
                yield f"looks into {names[0]} for more than the row's own seller"

    def _has_seller(self, source: exp.Expression | Scope) -> bool:
        source = within_lateral(source)
        if isinstance(source, Scope):
            query = source.expression
            return isinstance(query, exp.Query) and KEY in query.named_selects
        return KEY in self.columns.get(source.args["db"].name, {}).get(source.name, {})

    def _place(self, scope: Scope, column: exp.Expression | None) -> Place | None:
        """Where this column is read, if it is a seller: in the scope, or in one around it."""
        if not isinstance(column, exp.Column) or column.name != KEY:
            return None
        around: Scope | None = scope
        while around is not None:
            if column.table in around.selected_sources:
                return id(around), column.table
            around = around.parent
        return None

    def _tie(self, one: Place | None, other: Place | None) -> None:
        if one and other and self._end(one) != self._end(other):
            self._next[self._end(one)] = self._end(other)

    def _end(self, place: Place) -> Place:
        while place in self._next:
            place = self._next[place]
        return place


def within_lateral(source: exp.Expression | Scope) -> exp.Expression | Scope:
    """The select of a lateral that has one; anything else is itself."""
    if isinstance(source, Scope) and isinstance(source.expression, exp.Lateral):
        return next(iter(source.subquery_scopes), source)
    return source


def conditions(select: exp.Expression) -> Iterator[exp.Expression]:
    """What must hold for a row: each part of `on` and `where` that `and` connects."""
    said = [join.args.get("on") for join in select.args.get("joins") or ()]
    if where := select.args.get("where"):
        said.append(where.this)
    for condition in filter(None, said):
        yield from condition.flatten() if isinstance(condition, exp.And) else [condition]


def equal_pairs(condition: exp.Expression) -> Iterator[tuple[exp.Expression, exp.Expression]]:
    """What the condition says is equal; of tuples, each part."""
    condition = condition.unnest()
    if not isinstance(condition, exp.EQ | exp.NullSafeEQ):
        return
    one, other = condition.left.unnest(), condition.right.unnest()
    if isinstance(one, exp.Tuple) and isinstance(other, exp.Tuple):
        yield from zip(one.expressions, other.expressions, strict=True)
    else:
        yield one, other


def given_key(select: exp.Expression) -> exp.Expression | None:
    """What a select gives as the seller."""
    found = [each.unalias() for each in select.selects if each.alias_or_name == KEY]
    return found[0] if found else None


def unpartitioned(select: exp.Expression) -> Iterator[str]:
    """The select's window functions and `distinct on` that take rows of several sellers at once."""
    named = {window.name: window for window in select.args.get("windows") or ()}
    for expression in select.expressions:
        for call in expression.find_all(exp.Window):
            window = named.get(call.args["alias"].name) if call.args.get("alias") else call
            by = (window.args.get("partition_by") if window else None) or ()
            if KEY not in {column.name for column in by if isinstance(column, exp.Column)}:
                yield f"orders rows of several sellers together: {call.sql(DIALECT)}"
    distinct = select.args.get("distinct")
    kept = distinct.args.get("on") if distinct else None
    if kept and KEY not in {column.name for column in kept.find_all(exp.Column)}:
        yield f"keeps one row of several sellers: {distinct.sql(DIALECT)}"
