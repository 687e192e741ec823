"""What one person proposes and another approves: adjustments of a balance, limits on paying."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from orchestrator.cli.options import (
    As,
    Id,
    Json,
    Note,
    checked_amount,
    decide,
    plain_console,
    print_json,
    read,
    table_of,
)


class Limit(StrEnum):
    """The limits there are."""

    DUAL_APPROVAL_ABOVE = "dual_approval_above"
    MAXIMUM_LINE = "maximum_line"
    MINIMUM_LINE = "minimum_line"


def _signed(value: str) -> str:
    if not checked_amount(value).strip("-0."):
        raise typer.BadParameter("an adjustment of 0 changes nothing; write it like 12.50 or -3.00")
    return value


def _limit(value: str) -> str:
    if checked_amount(value).startswith("-"):
        raise typer.BadParameter(f"{value!r} is below 0, which no limit is")
    return value


# A minus begins an amount here and no option.
MINUS = {"ignore_unknown_options": True}
Change = Annotated[str, typer.Argument(callback=_signed, help="Like 12.50, or -3.00 to take.")]
Bound = Annotated[str, typer.Argument(callback=_limit, help="Like 250000.00.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    adjust = typer.Typer(no_args_is_help=True, help="Corrections to a seller's balance.")
    adjust.command("enter", context_settings=MINUS)(adjust_enter)
    adjust.command("approve")(adjust_approve)
    adjust.command("withdraw")(adjust_withdraw)
    adjust.command("list")(adjust_list)
    app.add_typer(adjust, name="adjust")
    policy = typer.Typer(no_args_is_help=True, help="Limits on paying.")
    policy.command("propose", context_settings=MINUS)(policy_propose)
    policy.command("confirm")(policy_confirm)
    policy.command("withdraw")(policy_withdraw)
    policy.command("list")(policy_list)
    app.add_typer(policy, name="policy")


def adjust_enter(seller: str, amount: Change, name: As, note: Note) -> None:
    """Propose to add an amount to a seller's balance, or to take it; another person approves."""
    row = decide(
        name,
        "select finance.enter_adjustment(%s, (%s::numeric * 100)::bigint, %s) as id",
        *(seller, amount, note),
    )
    print(
        f"Adjustment {row['id']} of {amount} for {seller} waits: another person must approve it:"
        f" settle adjust approve {row['id']}"
    )


def adjust_approve(adjustment: Id, name: As) -> None:
    """Approve what somebody else entered; it is the seller's balance from now on."""
    row = decide(
        name,
        "select a.seller_id, finance.money(a.amount_minor) as amount"
        " from finance.approve_adjustment(%s) as a",
        adjustment,
    )
    print(f"{name} approved adjustment {adjustment}: {row['amount']} for {row['seller_id']}.")


def adjust_withdraw(adjustment: Id, name: As) -> None:
    """Withdraw an adjustment that nobody has approved."""
    decide(name, "select finance.withdraw_adjustment(%s)", adjustment)
    print(f"{name} withdrew adjustment {adjustment}.")


def adjust_list(as_json: Json = False) -> None:
    """The adjustments that wait for approval, then the 20 decided last."""
    found = read("decisions/adjustments")
    titles = {"adjustment_id": "id", "state": "state", "seller_id": "seller", "amount": "amount"}
    who = {"entered_by": "entered by", "approved_by": "approved by", "reason": "why"}
    _show(found, titles | who, as_json, empty="There is no adjustment.")


def policy_propose(
    limit: Annotated[Limit, typer.Argument(help="Which limit.")],
    amount: Bound,
    name: As,
    note: Note,
    rail: Annotated[str, typer.Option(help="With minimum_line: TRC-20, ERC-20 or SPL.")] = "",
) -> None:
    """Propose another limit; it holds once another person confirms it."""
    row = decide(
        name,
        "select finance.propose_policy(%s, %s, (%s::numeric * 100)::bigint, %s) as id",
        *(limit.value, rail, amount, note),
    )
    print(
        f"Proposal {row['id']} waits: {_words(limit.value, rail)} {amount};"
        f" another person must confirm it: settle policy confirm {row['id']}"
    )


def policy_confirm(proposal: Id, name: As) -> None:
    """Confirm what somebody else proposed; it holds from now on."""
    row = decide(
        name,
        "select p.name, p.rail, finance.money(p.amount_minor) as amount"
        " from finance.confirm_policy(%s) cross join finance.policies as p"
        " where p.policy_id = %s",
        *(proposal, proposal),
    )
    print(
        f"{name} confirmed: {_words(row['name'], row['rail'])} {row['amount']} holds from now on."
    )


def policy_withdraw(proposal: Id, name: As) -> None:
    """Withdraw a proposal that nobody has confirmed."""
    decide(name, "select finance.withdraw_policy(%s)", proposal)
    print(f"{name} withdrew proposal {proposal}.")


def policy_list(as_json: Json = False) -> None:
    """The limits that hold, the proposals that wait, and what was before."""
    found = read("decisions/policies")
    titles = {"policy_id": "id", "state": "state", "name": "limit", "rail": "rail"}
    who = {"amount": "amount", "proposed_by": "proposed by", "confirmed_by": "confirmed by"}
    _show(found, titles | who | {"note": "why"}, as_json, empty="There is no limit.")


def _words(limit: str, rail: str) -> str:
    return f"{limit} of {rail}" if rail else limit


def _show(
    found: list[dict[str, Any]], columns: dict[str, str], as_json: bool, *, empty: str
) -> None:
    if as_json:
        print_json(found)
    elif not found:
        print(empty)
    else:
        plain_console().print(table_of(found, columns, right=("amount",)))
