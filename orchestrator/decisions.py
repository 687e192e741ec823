"""What people can decide, described once: the command line and the console both follow from it.

A decision is one SQL function, called under the login of the person who decides. Postgres checks
who may do it and keeps who did what when; here is how it is asked for and what it is answered with.

To add one:

1. Write its function in orchestrator/database/functions and grant it to settle_finance, in
   grants.sql there.
2. Add a `Decision` to DECISIONS below. Its name is the console's address (POST /desk/do/NAME), its
   `verb` the words after `settle`. The query names its parameters after the fields; fields are
   checked before the database is asked.
3. Give it a form: a line in a template of orchestrator/web/templates/desk, whose inputs are named
   after the fields. The command line needs nothing more; `settle VERB --help` is there.

A sentence is filled with the fields, the columns of the query's row and `who`. Where a decision may
not be complete with this call (another person is needed, or nothing changed), the query returns
`is_done`, and `otherwise` is the sentence when that is false.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import psycopg

from orchestrator.config import Settings
from orchestrator.database.connection import connect_as, rows, rows_of
from orchestrator.errors import SettleError

MAX_ID = 2**63 - 1


class Limit(StrEnum):
    """The limits there are."""

    DUAL_APPROVAL_ABOVE = "dual_approval_above"
    MAXIMUM_LINE = "maximum_line"
    MINIMUM_LINE = "minimum_line"


def _any(value: str) -> str:
    return value


def monday_of(window: str) -> date:
    """2026-W47 -> 2026-11-16; ValueError where there is no such week."""
    parts = re.fullmatch(r"([0-9]{4})-W([0-9]{2})", window)
    if parts is None:
        raise ValueError(window)
    return date.fromisocalendar(int(parts[1]), int(parts[2]), 1)


def check_window(value: str) -> str:
    """An ISO week that exists."""
    try:
        monday_of(value)
    except ValueError:
        raise ValueError(f"{value!r} is not an ISO week; write it like 2026-W47") from None
    return value


def check_note(value: str) -> str:
    """A reason that somebody can read."""
    if not value:
        raise ValueError("the note is empty; say why")
    return value


def check_wallet(value: str) -> str:
    """The address of a wallet, whatever its network."""
    if not value:
        raise ValueError("the wallet is empty; give its address")
    return value


def check_amount(value: str) -> str:
    """Decimal text with at most two places; SQL makes minor units of it."""
    if not re.fullmatch(r"-?[0-9]{1,13}(\.[0-9]{1,2})?", value):
        raise ValueError(
            f"{value!r} is not an amount; write it like 12.50 or -3.00, with at most two places"
        )
    return value


def check_change(value: str) -> str:
    """An amount that changes something."""
    if not check_amount(value).strip("-0."):
        raise ValueError("an adjustment of 0 changes nothing; write it like 12.50 or -3.00")
    return value


def check_bound(value: str) -> str:
    """An amount that can be a limit."""
    if check_amount(value).startswith("-"):
        raise ValueError(f"{value!r} is below 0, which no limit can be")
    return value


def check_id(value: str) -> str:
    """The number of something."""
    if not re.fullmatch(r"[0-9]{1,19}", value) or not 1 <= int(value) <= MAX_ID:
        raise ValueError(f"{value!r} is not an id; it is a whole number from 1")
    return value


def check_limit(value: str) -> str:
    """One of the limits there are."""
    if value not in list(Limit):
        raise ValueError(f"{value!r} is not one of the limits: {', '.join(Limit)}")
    return value


@dataclass(frozen=True)
class Field:
    """One value of a decision: a parameter of its query, an input of its form, and on the command
    line an argument, or an option where `is_option`."""

    name: str
    help: str | None = None
    check: Callable[[str], str] = _any  # returns the value, or raises ValueError with why not
    is_option: bool = False
    is_required: bool = True
    metavar: str | None = None

    def checked(self, value: str) -> str:
        """The value for the query. Raises SettleError with what is wrong."""
        try:
            checked = self.check(value.strip())
        except ValueError as error:
            raise SettleError(str(error)) from None
        if self.is_required and not checked:
            raise SettleError(f"the {self.name} is empty; fill it in")
        if "\0" in checked:
            raise SettleError(f"the {self.name} has a character that cannot be stored")
        return checked


WINDOW = Field("window", "An ISO week: 2026-W47.", check_window)
SELLER = Field("seller")
WALLET = Field("wallet", "The address, to the letter.", check_wallet)
NOTE = Field("note", "Why; it stays readable for ever.", check_note, is_option=True)
BREAK = Field("id", "Its id: settle breaks lists the open ones.", check_id, metavar="break_id")
ADJUSTMENT = Field("id", "Its id: settle adjust list.", check_id, metavar="adjustment")
PROPOSAL = Field("id", "Its id: settle policy list.", check_id, metavar="proposal")


@dataclass(frozen=True)
class Decision:
    """See the module's docstring."""

    name: str
    verb: str
    help: str
    fields: tuple[Field, ...]
    query: str
    sentence: str
    otherwise: str | None = None
    next_verb: str | None = None  # what another person does next, shown on the command line
    then_read: str | None = None  # a query of orchestrator/queries whose row fills the sentence too

    def message(self, values: Mapping[str, Any]) -> str:
        """What to tell the person who decided."""
        sentence = self.sentence
        if self.otherwise is not None and not values["is_done"]:
            sentence = self.otherwise
        return sentence.format_map(values)

    def next_step(self, values: Mapping[str, Any]) -> str | None:
        """The command that another person runs next."""
        return self.next_verb.format_map(values) if self.next_verb else None


_ALL = (
    Decision(
        name="approve",
        verb="approve",
        help="Approve exactly what you saw, under your own name.",
        fields=(WINDOW, Field("digest", "The digest you reviewed.", is_option=True)),
        query="select finance.approve(%(window)s, %(digest)s)",
        sentence="{who} approved {window}, digest {digest}.",
    ),
    Decision(
        name="revoke",
        verb="revoke",
        help="Take your approval back, until the batch is frozen.",
        fields=(WINDOW,),
        query="select finance.revoke_approval(%(window)s) as is_done",
        sentence="{who} revoked the approval of {window}.",
        otherwise="{who} had not approved {window}.",
    ),
    Decision(
        name="hold",
        verb="hold",
        help="Hold a seller's payouts until somebody releases them.",
        fields=(SELLER, NOTE),
        query="select finance.hold_seller(%(seller)s, %(note)s) as is_done",
        sentence="{seller} is held.",
        otherwise="{seller} was held before.",
    ),
    Decision(
        name="release",
        verb="release",
        help="Release what holds a seller in one window, where a person may.",
        fields=(WINDOW, SELLER, NOTE),
        query="select finance.release_hold(%(window)s, %(seller)s, %(note)s) as reason",
        sentence="{seller} is released from {reason} in {window}.",
    ),
    Decision(
        name="block",
        verb="block",
        help="Pay nothing to a wallet, whoever names it, until another person lifts the block.",
        fields=(WALLET, NOTE),
        query="""
            select
                finance.block_wallet(%(wallet)s, %(note)s) as is_done,
                case when not exists (
                    select from finance.wallet_checks where wallet_address = %(wallet)s
                ) then ' No seller has ever named it: mind the spelling.' else '' end as warning
        """,
        sentence="Wallet {wallet} is blocked.{warning}",
        otherwise="Wallet {wallet} was blocked before.{warning}",
    ),
    Decision(
        name="unblock",
        verb="unblock",
        help="Lift the block of a wallet that somebody else set.",
        fields=(WALLET, NOTE),
        query="select finance.unblock_wallet(%(wallet)s, %(note)s)",
        sentence="Wallet {wallet} is no longer blocked.",
    ),
    Decision(
        name="revoke-links",
        verb="unlink",
        help="Revoke every link to a seller's pages that was made until now.",
        fields=(SELLER, NOTE),
        query="select finance.revoke_links(%(seller)s, %(note)s)",
        sentence="{who} revoked all links to the pages of {seller}: whoever had one sees nothing;"
        " settle link {seller} makes a new one.",
    ),
    Decision(
        name="pause",
        verb="pause",
        help="Stop every payout at once: nothing is frozen, no call is made.",
        fields=(NOTE,),
        query="select finance.pause_payouts(%(note)s)",
        sentence="{who} paused payouts: nothing is frozen or sent until two people resume them.",
    ),
    Decision(
        name="resume",
        verb="resume",
        help="Let payouts go on; it takes two people.",
        fields=(NOTE,),
        query="select finance.resume_payouts(%(note)s) as is_done",
        sentence="{who} resumed payouts: they go on.",
        otherwise="{who} agreed to resume payouts; one more person must.",
    ),
    Decision(
        name="accept",
        verb="accept",
        help="Accept a failed check as it is; with two people it no longer stops the payout.",
        fields=(WINDOW, Field("check", "Its name: settle checks lists them."), NOTE),
        query="select finance.accept_check(%(window)s, %(check)s, %(note)s) >= 2 as is_done",
        sentence="{who} accepted {check} of {window}: it no longer stops the payout.",
        otherwise="{who} accepted {check} of {window}; one more person must accept it.",
    ),
    Decision(
        name="declare-rejected",
        verb="resolve",
        help="Declare that halfin does not have a batch whose response stays unknown; it takes two"
        " people who have asked halfin.",
        fields=(WINDOW, NOTE),
        query="""
            select s.people, s.people >= 2 as is_done
            from finance.declare_rejected(%(window)s, %(note)s) as s (people)
        """,
        then_read="payout/resolution",
        sentence="{people} people have asked: the batch of {window} is {state}, {line_count} lines"
        " ({total} {currency}) are their sellers' balance again.",
        otherwise="{who} reports that halfin does not have the batch of {window}; one more person"
        " who has asked must confirm it.",
    ),
    Decision(
        name="withdraw",
        verb="withdraw",
        help="Take back what of a frozen batch was never sent; it is the sellers' balance again.",
        fields=(WINDOW, NOTE),
        query="select finance.withdraw_batch(%(window)s, %(note)s) as line_count",
        sentence="{who} took back {line_count} lines of {window} that were never sent: they are"
        " their sellers' balance again.",
    ),
    Decision(
        name="close-break",
        verb="breaks close",
        help="Close a break, with what was found; one that holds its seller takes two people.",
        fields=(BREAK, NOTE),
        query="select finance.close_break(%(id)s::bigint, %(note)s) as is_done",
        sentence="{who} closed break {id}.",
        otherwise="{who} would close break {id}, which holds its seller; one more person must.",
    ),
    Decision(
        name="adjust",
        verb="adjust enter",
        help="Propose to add an amount to a seller's balance, or to take it; another person"
        " approves.",
        fields=(SELLER, Field("amount", "Like 12.50, or -3.00 to take.", check_change), NOTE),
        query="""
            select finance.enter_adjustment(
                %(seller)s, (%(amount)s::numeric * 100)::bigint, %(note)s
            ) as number
        """,
        sentence="Adjustment {number} of {amount} for {seller} waits: another person must approve"
        " it.",
        next_verb="settle adjust approve {number}",
    ),
    Decision(
        name="approve-adjustment",
        verb="adjust approve",
        help="Approve what somebody else entered; it is the seller's balance from now on.",
        fields=(ADJUSTMENT,),
        query="""
            select a.seller_id, finance.money(a.amount_minor) as amount
            from finance.approve_adjustment(%(id)s::bigint) as a
        """,
        sentence="{who} approved adjustment {id}: {amount} for {seller_id}.",
    ),
    Decision(
        name="withdraw-adjustment",
        verb="adjust withdraw",
        help="Withdraw an adjustment that nobody has approved.",
        fields=(ADJUSTMENT,),
        query="select finance.withdraw_adjustment(%(id)s::bigint)",
        sentence="{who} withdrew adjustment {id}.",
    ),
    Decision(
        name="propose",
        verb="policy propose",
        help="Propose another limit; it applies once another person confirms it.",
        fields=(
            Field("limit", f"Which one: {', '.join(Limit)}.", check_limit),
            Field("amount", "Like 250000.00.", check_bound),
            NOTE,
            Field(
                "rail",
                "With minimum_line: TRC-20, ERC-20 or SPL.",
                is_option=True,
                is_required=False,
            ),
        ),
        query="""
            select
                finance.propose_policy(
                    %(limit)s, %(rail)s, (%(amount)s::numeric * 100)::bigint, %(note)s
                ) as number,
                concat_ws(' of ', %(limit)s::text, nullif(%(rail)s::text, '')) as what
        """,
        sentence="Proposal {number} waits: {what} {amount}; another person must confirm it.",
        next_verb="settle policy confirm {number}",
    ),
    Decision(
        name="confirm-proposal",
        verb="policy confirm",
        help="Confirm what somebody else proposed; it applies from now on.",
        fields=(PROPOSAL,),
        query="""
            select
                concat_ws(' of ', p.name, nullif(p.rail, '')) as what,
                finance.money(p.amount_minor) as amount
            from finance.confirm_policy(%(id)s::bigint)
            cross join finance.policies as p
            where p.policy_id = %(id)s::bigint
        """,
        sentence="{who} confirmed: {what} {amount} applies from now on.",
    ),
    Decision(
        name="withdraw-proposal",
        verb="policy withdraw",
        help="Withdraw a proposal that nobody has confirmed.",
        fields=(PROPOSAL,),
        query="select finance.withdraw_policy(%(id)s::bigint)",
        sentence="{who} withdrew proposal {id}.",
    ),
)
DECISIONS: Mapping[str, Decision] = {decision.name: decision for decision in _ALL}


def decide(
    settings: Settings, who: str, password: str, decision: Decision, given: Mapping[str, str]
) -> dict[str, Any]:
    """Carry out a decision as the person; returns what its sentence is filled with.

    Raises SettleError with why a value or the database refuses it; then nothing was done.
    """
    values = checked(decision.fields, given)
    try:
        with connect_as(settings, who, password) as database:
            [found] = rows(database, decision.query, **values)
            if decision.then_read:
                found |= rows_of(database, decision.then_read, **values)[0]
    except psycopg.Error as error:
        reason = error.diag.message_primary or error
        raise SettleError(f"the database refuses: {reason}") from error
    return {**values, **found, "who": who}


def checked(fields: Iterable[Field], given: Mapping[str, str]) -> dict[str, str]:
    """The values of the fields, checked. Raises SettleError with what is wrong."""
    return {field.name: field.checked(given.get(field.name, "")) for field in fields}
