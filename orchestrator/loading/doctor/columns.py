"""Whether a relation has a source's columns in types that a build can read."""

from orchestrator.loading.csv_files import Kind, Source
from orchestrator.loading.doctor.findings import Finding, Severity
from orchestrator.loading.mapping import definitions, may_be_left_out

_TEXT = {"text", "character varying", "character"}
_WHOLE = {"smallint", "integer", "bigint"}
_TYPES = {
    Kind.AMOUNT: {"numeric"} | _WHOLE,
    Kind.MINIMUM: {"numeric"} | _WHOLE,
    Kind.INSTANT: {"timestamp with time zone"},
    Kind.FLAG: {"boolean"},
}


def is_readable(source: Source, name: str, type_name: str | None) -> bool:
    """Whether a column of this type can be read at all; None where there is no such column."""
    return type_name in _TYPES.get(source.columns[name].kind, _TEXT)


def column_fault(source: Source, name: str, type_name: str | None) -> Finding | None:
    """What is wrong with a column of this type, and what to do; None where nothing is."""
    wanted, meaning = definitions()[source.table].columns[name]
    severity = Severity.ERROR
    if type_name is None:
        if may_be_left_out(source.columns[name]):
            return None
        problem = f"is missing. {meaning}"
    elif is_readable(source, name, type_name):
        if type_name not in _WHOLE:
            return None
        severity = Severity.WARNING
        problem = f"is {type_name}: whole numbers; if these are cents, divide by 100.0"
    elif type_name == "timestamp without time zone":
        problem = "has lost its time zone; write at time zone 'UTC', or the zone it is in"
    elif type_name in ("real", "double precision", "money"):
        problem = f"is {type_name}, which loses cents; keep it in a numeric column, or round it"
    else:
        problem = f"is {type_name}; cast it to {wanted}"
    return Finding(severity, source.table, name, problem)
