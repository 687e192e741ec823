"""The verbs with which people decide, made of decisions.yml."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli import erasures
from orchestrator.cli.options import (
    DECISIONS_PANEL,
    As,
    ImpliedVerb,
    Note,
    Window,
    checked_by,
    password_of,
    ready,
    say,
    text_of,
)
from orchestrator.cli.proposals import adjust_list, go_live_list, policy_list, reserve_list
from orchestrator.cli.shadow import rehearse
from orchestrator.decisions.decisions import DECISIONS, Decision, Field, decide

# A minus begins an amount here and no option.
MINUS = {"ignore_unknown_options": True}


class ProposesFirst(ImpliedVerb):
    """`settle go-live WINDOW` and `settle erase SELLER` propose."""

    implied = "propose"


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    groups = {
        "adjust": typer.Typer(no_args_is_help=True, help="Corrections to a seller's balance."),
        "policy": typer.Typer(no_args_is_help=True, help="Limits on paying."),
        "reserve": typer.Typer(no_args_is_help=True, help="Sellers' reserve policies."),
        "go-live": typer.Typer(
            no_args_is_help=True,
            cls=ProposesFirst,
            help="Begin with a window, where something else paid before: go-live WINDOW proposes.",
        ),
        "erase": typer.Typer(
            no_args_is_help=True,
            cls=ProposesFirst,
            help="Forget a seller's name and wallets: erase SELLER proposes it.",
        ),
    }
    by_verb: dict[str, list[Decision]] = {}
    for decision in DECISIONS.values():
        by_verb.setdefault(decision.verb, []).append(decision)
    for path, decisions in by_verb.items():
        group, _, verb = path.rpartition(" ")
        if group in groups:
            has_amount = any(field.name == "amount" for d in decisions for field in d.fields)
            settings = MINUS if has_amount else None
            groups[group].command(verb, context_settings=settings)(command_of(*decisions))
        elif not group:
            made = resolve if verb == "resolve" else command_of(*decisions)
            app.command(verb, rich_help_panel=DECISIONS_PANEL)(made)
    groups["adjust"].command("list")(adjust_list)
    groups["policy"].command("list")(policy_list)
    groups["reserve"].command("list")(reserve_list)
    groups["go-live"].command("list")(go_live_list)
    groups["go-live"].command("rehearse")(rehearse)
    erasures.register(groups["erase"])
    for name, group_app in groups.items():
        app.add_typer(group_app, name=name, rich_help_panel=DECISIONS_PANEL)


def command_of(*decisions: Decision) -> Callable[..., None]:
    """A function as Typer reads one: its parameters are the decisions' fields and `--as`."""

    def command(**given: str | None) -> None:
        name = given.pop("name") or ""
        values = {field: value for field, value in given.items() if value is not None}
        carry_out(_one_of(decisions, values), name, values)

    fields: dict[str, Field] = {}
    for field in (field for decision in decisions for field in decision.fields):
        fields.setdefault(field.name, field)
    annotations: dict[str, Any] = {"name": As}
    annotations |= {field.name: _annotation(field) for field in fields.values()}
    command.__annotations__ = annotations
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=annotation,
                default=None if name in _optional(decisions) else inspect.Parameter.empty,
            )
            for name, annotation in annotations.items()
        ]
    )
    command.__doc__ = decisions[0].help
    return command


def _annotation(field: Field) -> Any:
    make = typer.Option if field.is_option else typer.Argument
    check, metavar = (_read_file, "FILE") if field.file else (checked_by(field), field.metavar)
    return Annotated[str, make(callback=check, help=field.help, metavar=metavar)]


def _required(decision: Decision) -> set[str]:
    return {field.name for field in decision.fields if field.is_required}


def _optional(decisions: Sequence[Decision]) -> set[str]:
    """What may be left out: not each of the decisions requires it."""
    known = {field.name for decision in decisions for field in decision.fields}
    return {name for name in known if not all(name in _required(d) for d in decisions)}


def _one_of(decisions: Sequence[Decision], given: Mapping[str, str]) -> Decision:
    """The decision whose fields were given."""
    for decision in decisions:
        if _required(decision) <= set(given) <= {field.name for field in decision.fields}:
            return decision
    ways = ", or ".join(
        " ".join(
            f"--{field.name.replace('_', '-')}" if field.is_option else field.name.upper()
            for field in decision.fields
            if field.is_required
        )
        for decision in decisions
    )
    raise typer.BadParameter(f"give {ways}")


def _read_file(path: str | None) -> str | None:
    return None if path is None else text_of(Path(path))


def carry_out(decision: Decision, name: str, given: Mapping[str, str]) -> None:
    """Decide under this login, and print what came of it."""
    password = password_of(name)
    # Payouts are paused also where somebody changed the database.
    settings = ready(is_emergency=decision.name == "pause")
    values = decide(settings, name, password, decision, given)
    say(decision.message(values))
    next_step = decision.next_step(values)
    if next_step:
        say(next_step)


def _word(flag: str, meaning: str) -> Any:
    return typer.Option(flag, help=meaning)


def resolve(
    window: Window,
    name: As,
    note: Note,
    seller: Annotated[str | None, typer.Argument(help="Of one line; left out, the batch.")] = None,
    rejected: Annotated[
        bool, _word("--rejected", "halfin, asked, does not have the batch.")
    ] = False,
    failed: Annotated[bool, _word("--failed", "The seller's line was not paid.")] = False,
    returned: Annotated[bool, _word("--returned", "It was paid, and the money is back.")] = False,
    completed: Annotated[bool, _word("--completed", "It was paid.")] = False,
) -> None:
    """Say what became of an unknown batch, or of one line; it takes two who asked halfin."""
    # By hand, as it asks for a word that the console asks for with its button.
    words = {"failed": failed, "returned": returned, "completed": completed}
    outcomes = [word for word, is_given in words.items() if is_given]
    given = {"window": window, "note": note}
    if seller is None and rejected and not outcomes:
        carry_out(DECISIONS["declare-rejected"], name, given)
    elif seller is not None and len(outcomes) == 1 and not rejected:
        given |= {"seller": seller, "outcome": outcomes[0]}
        carry_out(DECISIONS["resolve-line"], name, given)
    elif seller is not None:
        raise typer.BadParameter(
            "say one of --failed, --returned and --completed: what halfin says became of the line"
        )
    else:
        raise typer.BadParameter(
            "add --rejected: that halfin does not have it. If it has it, run settle pay again; of"
            " one line name the seller too"
        )
