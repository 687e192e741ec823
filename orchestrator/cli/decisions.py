"""The verbs with which people decide, made of decisions.yml, and lists of proposals."""

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from orchestrator.cli.options import (
    DECISIONS_PANEL,
    As,
    Json,
    Note,
    Window,
    checked_by,
    password_of,
    plain_console,
    print_json,
    read,
    ready,
    table_of,
)
from orchestrator.decisions import DECISIONS, Decision, Field, decide

# A minus begins an amount here and no option.
MINUS = {"ignore_unknown_options": True}


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    adjust = typer.Typer(no_args_is_help=True, help="Corrections to a seller's balance.")
    policy = typer.Typer(no_args_is_help=True, help="Limits on paying.")
    groups = {"adjust": adjust, "policy": policy}
    for decision in DECISIONS.values():
        group, _, verb = decision.verb.rpartition(" ")
        if group in groups:
            has_amount = any(field.name == "amount" for field in decision.fields)
            settings = MINUS if has_amount else None
            groups[group].command(verb, context_settings=settings)(command_of(decision))
        elif not group:
            made = resolve if verb == "resolve" else command_of(decision)
            app.command(verb, rich_help_panel=DECISIONS_PANEL)(made)
    adjust.command("list")(adjust_list)
    policy.command("list")(policy_list)
    for name, group_app in groups.items():
        app.add_typer(group_app, name=name, rich_help_panel=DECISIONS_PANEL)


def command_of(decision: Decision) -> Callable[..., None]:
    """A function as Typer reads one: its parameters are the decision's fields and `--as`."""

    def command(**given: str) -> None:
        carry_out(decision, given.pop("name"), given)

    annotations: dict[str, Any] = {"name": As}
    annotations |= {field.name: _annotation(field) for field in decision.fields}
    command.__annotations__ = annotations
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=annotation,
                default=inspect.Parameter.empty if name not in _optional(decision) else "",
            )
            for name, annotation in annotations.items()
        ]
    )
    command.__doc__ = decision.help
    return command


def _annotation(field: Field) -> Any:
    make = typer.Option if field.is_option else typer.Argument
    found = make(callback=checked_by(field), help=field.help, metavar=field.metavar)
    return Annotated[str, found]


def _optional(decision: Decision) -> set[str]:
    return {field.name for field in decision.fields if not field.is_required}


def carry_out(decision: Decision, name: str, given: Mapping[str, str]) -> None:
    """Decide under this login, and print what came of it."""
    password = password_of(name)
    values = decide(ready(), name, password, decision, given)
    print(decision.message(values))
    next_step = decision.next_step(values)
    if next_step:
        print(next_step)


def resolve(
    window: Window,
    name: As,
    note: Note,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="halfin, asked, does not have the batch.")
    ] = False,
) -> None:
    """Declare a batch with no known response rejected; it takes two people who asked halfin."""
    # By hand, as it asks for a word that the console asks for with its button.
    if not rejected:
        raise typer.BadParameter(
            "add --rejected: that halfin does not have it. If it has it, run settle pay again"
        )
    carry_out(DECISIONS["declare-rejected"], name, {"window": window, "note": note})


def adjust_list(as_json: Json = False) -> None:
    """The adjustments that wait for approval, then the 20 decided last."""
    found = read("decisions/adjustments")
    titles = {"adjustment_id": "id", "state": "state", "seller_id": "seller", "amount": "amount"}
    who = {"entered_by": "entered by", "approved_by": "approved by", "reason": "why"}
    _show(found, titles | who, as_json, empty="There is no adjustment.")


def policy_list(as_json: Json = False) -> None:
    """The limits that apply, the proposals that wait, and what was before."""
    found = read("decisions/policies")
    titles = {"policy_id": "id", "state": "state", "name": "limit", "rail": "rail"}
    who = {"amount": "amount", "proposed_by": "proposed by", "confirmed_by": "confirmed by"}
    _show(found, titles | who | {"note": "why"}, as_json, empty="There is no limit.")


def _show(
    found: list[dict[str, Any]], columns: dict[str, str], as_json: bool, *, empty: str
) -> None:
    if as_json:
        print_json(found)
    elif not found:
        print(empty)
    else:
        plain_console().print(table_of(found, columns, right=("amount",)))
