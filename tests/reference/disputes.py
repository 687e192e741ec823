"""Disputes: what the seller bears of each after each of its events, and which came in time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction

from .facts import DisputeEvent, key_of, seen_at
from .known import Known
from .screening import Screening
from .settings import Settings

Event = Known[DisputeEvent]


@dataclass(frozen=True)
class DisputeClaim:
    """How far an event moves what the seller bears, in the order's currency."""

    event: Event
    claimed: Fraction


@dataclass
class Dispute:
    """One dispute id on one order of one seller, with its good events in order."""

    first: Event
    in_time: bool
    is_elsewhere: bool
    claims: list[DisputeClaim] = field(default_factory=list)

    @property
    def opened(self) -> list[Event]:
        return [c.event for c in self.claims if c.event.fact.event_type == "opened"]

    @property
    def withdrawn_at(self) -> datetime | None:
        found = [c.event.known_at for c in self.claims if c.event.fact.event_type == "withdrawn"]
        return min(found, default=None)

    @property
    def has_outcome(self) -> bool:
        """Also one that was opened again since."""
        return len(self.opened) < len(self.claims)


def disputes(screening: Screening) -> list[Dispute]:
    """Every dispute with an `opened` that is known."""
    histories: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
    seen = list(filter(screening.is_seen, screening.facts.dispute_events))
    for row in seen:
        if row.event_type == "opened" and (known := screening.child(row)):
            histories[_about(row)].append(known)
    firsts = {
        about: min(opened, key=lambda event: event.rank) for about, opened in histories.items()
    }
    for row in seen:
        if row.event_type == "opened":
            continue
        first = firsts.get(_about(row))
        fault = None if first else "outcome_without_opened"
        known = screening.child(row, after=first, fault=fault)
        if known and first:
            occurred_at = max(known.occurred_at, first.occurred_at)
            histories[_about(row)].append(replace(known, occurred_at=occurred_at))
    return [
        _lived(firsts[about], history, screening) for about, history in sorted(histories.items())
    ]


def _about(row: DisputeEvent) -> tuple[str, str, str]:
    return (row.seller_id, row.order_id, row.dispute_id)


def _lived(first: Event, history: list[Event], screening: Screening) -> Dispute:
    is_elsewhere = key_of(first.fact) in screening.result.elsewhere
    dispute = Dispute(first, _in_time(first, is_elsewhere, screening.settings), is_elsewhere)
    opened, borne, is_open = Fraction(0), Fraction(0), False
    for event in sorted(history, key=_rank):
        before = borne
        match event.fact.event_type:
            case "opened" if is_open:
                screening.refuse(event.fact, "opened_while_open")
                continue
            case "opened":
                opened = borne = event.amount
            case "won":
                borne = max(opened - event.amount, Fraction(0))
            case "lost":
                borne = min(opened, event.amount)
            case "withdrawn":
                borne = Fraction(0)
        is_open = event.fact.event_type == "opened"
        dispute.claims.append(DisputeClaim(event, borne - before))
    return dispute


def _rank(event: Event) -> tuple[datetime, datetime, bool, str]:
    is_outcome = event.fact.event_type != "opened"
    return (event.known_at, event.occurred_at, is_outcome, event.fact.dispute_event_id)


def _in_time(first: Event, is_elsewhere: bool, settings: Settings) -> bool:
    """What whoever paid before go-live charged was in time, however late its row is loaded."""
    if settings.late_disputes == "recover":
        return True
    order = first.order
    known_at = max(seen_at(first.fact), order.first_known_at) if is_elsewhere else first.known_at
    before_close = known_at < order.paying_window.ends_at
    if settings.late_disputes == "until_window_close":
        return before_close
    return before_close and first.occurred_at < order.release_at
