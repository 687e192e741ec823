"""What a person may ask the database to do, and what to tell them about it.

The database decides under the person's own login, and keeps who did what when; here is only how
each decision is asked for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from orchestrator.config import Settings
from orchestrator.database.connection import connect_as, rows
from orchestrator.errors import SettleError

MEANINGS = {"note": "say why", "amount": "write it like 12.50 or -3.00"}
AMOUNT = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,2})?")


@dataclass(frozen=True)
class Action:
    """A query with named parameters, which the form has fields for; its row fills `said`."""

    query: str
    said: str

    @property
    def fields(self) -> list[str]:
        """The names of its parameters."""
        return list(dict.fromkeys(re.findall(r"%\((\w+)\)s", self.query)))


ACTIONS = {
    "approve": Action(
        "select finance.approve(%(window)s, %(digest)s)", "You approved {window}, digest {digest}."
    ),
    "revoke": Action(
        "select case when finance.revoke_approval(%(window)s) then 'You revoked your approval of'"
        " else 'You had not approved' end as what",
        "{what} {window}.",
    ),
    "hold": Action(
        "select case when finance.hold_seller(%(seller)s, %(note)s) then 'is held'"
        " else 'was held before' end as what",
        "{seller} {what}.",
    ),
    "release": Action(
        "select finance.release_hold(%(window)s, %(seller)s, %(note)s) as what",
        "{seller} is released from {what} in {window}.",
    ),
    "block": Action(
        "select case when finance.block_wallet(%(wallet)s, %(note)s) then 'is blocked'"
        " else 'was blocked before' end as what",
        "Wallet {wallet} {what}: nothing is paid to it.",
    ),
    "unblock": Action(
        "select finance.unblock_wallet(%(wallet)s, %(note)s)", "Wallet {wallet} is not blocked."
    ),
    "accept": Action(
        "select case when finance.accept_check(%(window)s, %(check)s, %(note)s) < 2"
        " then 'one more person must accept it' else 'it no longer stops the payout' end as what",
        "You accepted {check} of {window}; {what}.",
    ),
    "pause": Action(
        "select finance.pause_payouts(%(note)s)",
        "Payouts are paused: nothing is frozen or sent until two people resume them.",
    ),
    "resume": Action(
        "select case when finance.resume_payouts(%(note)s) then 'payouts go on'"
        " else 'one more person must say so' end as what",
        "You say that payouts may go on; {what}.",
    ),
    "close-break": Action(
        "select finance.close_break(%(id)s::bigint, %(note)s)", "Break {id} is closed."
    ),
    "adjust": Action(
        "select finance.enter_adjustment(%(seller)s, (%(amount)s::numeric * 100)::bigint, %(note)s)"
        " as what",
        "Adjustment {what} of {amount} for {seller} waits for another person.",
    ),
    "approve-adjustment": Action(
        "select a.seller_id as seller, finance.money(a.amount_minor) as what"
        " from finance.approve_adjustment(%(id)s::bigint) as a",
        "You approved adjustment {id}: {what} for {seller}.",
    ),
    "withdraw-adjustment": Action(
        "select finance.withdraw_adjustment(%(id)s::bigint)", "Adjustment {id} is withdrawn."
    ),
    "propose": Action(
        "select finance.propose_policy(%(limit)s, %(rail)s, (%(amount)s::numeric * 100)::bigint,"
        " %(note)s) as what",
        "Proposal {what} waits for another person: {limit} {amount}.",
    ),
    "confirm-proposal": Action(
        "select finance.confirm_policy(%(id)s::bigint)", "You confirmed proposal {id}: it holds."
    ),
    "withdraw-proposal": Action(
        "select finance.withdraw_policy(%(id)s::bigint)", "Proposal {id} is withdrawn."
    ),
    "declare-rejected": Action(
        "select case when finance.declare_rejected(%(window)s, %(note)s) < 2"
        " then 'one more person who has asked must say so' else 'its lines came back' end as what",
        "You say halfin does not have the batch of {window}; {what}.",
    ),
}
OPTIONAL = {"rail"}


def act(settings: Settings, name: str, password: str, action: str, form: Mapping[str, str]) -> str:
    """Do it as the person; returns what to tell them. Raises SettleError with why it is refused."""
    asked = ACTIONS[action]
    values: dict[str, Any] = {field: form.get(field, "").strip() for field in asked.fields}
    for field, value in values.items():
        if not value and field not in OPTIONAL:
            raise SettleError(f"the {field} is missing: {MEANINGS.get(field, 'fill it in')}")
        if field == "amount" and not AMOUNT.fullmatch(value):
            raise SettleError(f"{value!r} is no amount: {MEANINGS['amount']}")
        if field == "id" and not (value.isascii() and value.isdigit() and len(value) < 19):
            raise SettleError(f"{value!r} is no number of anything here")
        if "\0" in value:
            raise SettleError(f"the {field} has a character that nobody can read")
    try:
        with connect_as(settings, name, password) as database:
            [row] = rows(database, asked.query, **values)
    except psycopg.Error as error:
        raise SettleError(f"the database refuses: {error.diag.message_primary}") from error
    return asked.said.format(**values | row)
