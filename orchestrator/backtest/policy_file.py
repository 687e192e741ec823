"""The policy file: what risk can decide, read from YAML, checked, and written as it is read."""

import difflib
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from orchestrator.backtest.policy import Policy, Variables
from orchestrator.errors import SettleError

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "reserve_policies": ("policy",),
    "new_seller_policies": (),  # all of them
    "review_actions": ("review_reason",),
    "limits": ("name", "rail"),
}


class _Loader(yaml.SafeLoader):
    """Numbers with a point are decimals, and a key that stands twice is a fault."""


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> Decimal | str:
    try:
        return Decimal(loader.construct_scalar(node))
    except InvalidOperation:  # .inf and .nan
        return str(node.value)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [str(key.value) for key, _ in node.value]
    twice = next((key for number, key in enumerate(keys) if key in keys[:number]), None)
    if twice is not None:
        raise yaml.MarkedYAMLError(problem=f"{twice} stands twice", problem_mark=node.start_mark)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load_yaml(text: str) -> Any:
    """The document, with decimals for numbers with a point; raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506  # a SafeLoader


def read_policy(path: Path, live: Policy) -> Policy:
    """The policy of a file; what the file leaves out is as in the live one.

    Raises SettleError with one line per fault.
    """
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8"
        raise SettleError(f"{path}: {reason}") from None
    except yaml.YAMLError as error:
        raise SettleError(f"{path}: {_yaml_fault(error)}") from None
    if not isinstance(content, dict):
        raise SettleError(f"{path}: is not a policy; settle backtest --show prints one")
    try:
        return Policy.model_validate(_completed(content, live, path.stem))
    except ValidationError as error:
        found = faults(error)
    if len(found) == 1:
        raise SettleError(f"{path}: {found[0]}")
    raise SettleError(f"{path} has {len(found)} faults", detail="\n".join(found))


def _yaml_fault(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}: " if mark else ""
    return f"{place}{getattr(error, 'problem', None) or 'is not YAML'}"


def _completed(content: Mapping[Any, Any], live: Policy, name: str) -> dict[Any, Any]:
    """The file's content with what it leaves out from the live policy.

    Rows of a reserve policy, or of a review reason, take the place of all live rows of that name; a
    limit of the one.
    """
    base = live.model_dump()
    whole = {"policy": name, **content}
    variables = content.get("variables")
    if variables is None:
        whole["variables"] = base["variables"]
    elif isinstance(variables, dict):
        whole["variables"] = {**base["variables"], **variables}
    for section, key in SECTIONS.items():
        rows = content.get(section)
        if rows is None:
            whole[section] = base[section]
        elif isinstance(rows, list):
            named = {_key(row, key) for row in rows if isinstance(row, dict)}
            whole[section] = [*rows, *(row for row in base[section] if _key(row, key) not in named)]
    return whole


def _key(row: Mapping[str, Any], key: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(row.get(part) or "") for part in key)


def faults(error: ValidationError) -> list[str]:
    """One line per fault: where, what stands there, what it should be."""
    lines = []
    for fault in error.errors(include_url=False):
        place = _place(fault["loc"])
        if fault["type"] == "extra_forbidden":
            lines.append(f"{place} is not known{_nearest(fault['loc'])}")
        elif fault["type"] == "missing":
            lines.append(f"{place} is missing")
        elif fault["type"] == "value_error":
            message = fault["msg"].removeprefix("Value error, ")
            lines.append(f"{place}: {message}" if place else message)
        elif fault["type"] == "is_instance_of":
            lines.append(f"{place}: {fault['input']} is not a number")
        else:
            lines.append(f"{place}: {fault['input']} {fault['msg'].removeprefix('Input ')}")
    return lines


def _place(location: Sequence[int | str]) -> str:
    """Like reserve_policies[2].reserve_days, counted from 1."""
    place = ""
    for part in location:
        place += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return place.removeprefix(".")


def _nearest(location: Sequence[int | str]) -> str:
    """The known key that looks most like the unknown one."""
    known: Sequence[str] = list(Policy.model_fields)
    if location[0] == "variables" and len(location) > 1:
        known = list(Variables.model_fields)
    elif len(location) > 1:
        known = list(Policy.rows_of(str(location[0])).model_fields)
    close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"


def written(policy: Policy) -> str:
    """The policy as a file, with what each number means beside it; read again, it is the same."""
    lines = [f"policy: {policy.policy}", "", "variables:"]
    for name, field in Variables.model_fields.items():
        lines += [f"  # {field.description}", f"  {name}: {getattr(policy.variables, name)}"]
    for section in SECTIONS:
        lines += ["", f"{section}:"]
        for name, field in Policy.rows_of(section).model_fields.items():
            lines += [f"  # {name}: {field.description}"] if field.description else []
        for row in getattr(policy, section):
            values = ", ".join(
                f"{name}: {_scalar(value)}" for name, value in row if value not in ("", None)
            )
            lines.append(f"  - {{{values}}}")
    return "\n".join(lines) + "\n"


def _scalar(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
