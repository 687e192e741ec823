"""What an onlooker knows from the rules and from watching: never asked of the SQL.

It keeps the facts that have landed, what the closes so far saw of them, what people decided, and
says what each close must hold and which lines may be paid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import filterfalse, pairwise

from eth_utils.address import to_checksum_address

from tests.reference import model
from tests.reference.facts import Facts, Seller, is_misdated, seen_at
from tests.reference.flags import Flags
from tests.reference.settlement import SettlementRow
from tests.reference.windows import Window, window_numbered, window_of

LAG = timedelta(minutes=15)
WALLET_QUIET = timedelta(hours=72)
RELEASABLE = (
    *("seller_closed", "wallet_unchecksummed", "wallet_shared", "wallet_changed"),
    *("repeated_failure", "manual_review", "above_maximum", "below_minimum"),
)
LASTING = ("wallet_shared", "wallet_unchecksummed")  # as long as the seller keeps the wallet
MINIMUMS = {"ERC-20": 1000, "TRC-20": 500, "SPL": 100}
MAXIMUM, UNUSUAL = 25_000_000, 500_000


def account(wallet: str) -> str:
    """What an address names, however it is spelled: an EVM one is the same in any case."""
    return wallet.lower() if wallet.startswith("0x") else wallet


def in_one_case(wallet: str) -> bool:
    """An EVM address whose spelling shows no typo; by chance its checksum is in one case, too."""
    digits = wallet.removeprefix("0x")
    is_one = digits != wallet and digits in (digits.lower(), digits.upper())
    return is_one and to_checksum_address(wallet) != wallet


@dataclass
class Oracle:
    """`wallets` says of which rail an address is, or none where it is no address at all.

    `unpayable` are accounts of nobody. Accounts, not addresses, are named, shared and blocked.
    """

    settings: model.Settings
    facts: Facts = field(default_factory=Facts)
    sellers: dict[str, Seller] = field(default_factory=dict)
    gone: dict[str, Seller] = field(default_factory=dict)  # as they were, where no row is left
    wallets: dict[str, str | None] = field(default_factory=dict)
    unpayable: frozenset[str] = frozenset()
    sightings: dict[str, list[tuple[datetime, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    # Who named each account, the first of them first.
    named: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    selling: set[str] = field(default_factory=set)  # who had an entry when the books were made last
    held: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    releases: dict[tuple[str, str], dict[str, str]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    # Of a lasting reason: the wallet, and how many were seen of the seller when it was released.
    lasting: dict[tuple[str, str], list[tuple[str, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    posting: model.Posting = model.NOTHING_STORED
    closes: list[Window] = field(default_factory=list)
    rows: dict[str, dict[str, SettlementRow]] = field(default_factory=dict)
    wallets_of: dict[str, dict[str, str]] = field(default_factory=dict)
    reasons: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    flags: Flags = field(default_factory=Flags)

    def lands(self, table: str, facts: Iterable[object]) -> None:
        self.facts = replace(self.facts, **{table: (*getattr(self.facts, table), *facts)})

    def ledger(self, as_of: datetime, lines: Iterable[model.Line]) -> model.Ledger:
        """The state by the facts; what came after the close it belonged to is posted."""
        sellers = tuple(self.sellers.values())
        self.facts = replace(self.facts, sellers=sellers, lines=tuple(lines))
        return model.keep(self.facts, as_of, self.settings, self.posting)

    def sees(self, now: datetime) -> None:
        """What the marketplace's table says of wallets now; an empty one is a gap and no wallet."""
        for seller in sorted(self.sellers.values(), key=lambda s: (s.created_at, s.seller_id)):
            seen, wallet = self.sightings[seller.seller_id], seller.wallet_address
            if wallet and (not seen or seen[-1][1] != wallet):
                seen.append((now, wallet))
                if seller.seller_id not in self.named[account(wallet)]:
                    self.named[account(wallet)].append(seller.seller_id)

    def wallet_now(self, seller_id: str) -> str:
        """As the marketplace names it; of somebody who is gone the one that was seen last."""
        seen = self.sightings[seller_id]
        if seller_id in self.gone and seen:
            return seen[-1][1]
        return self.sellers[seller_id].wallet_address

    def release(self, label: str, seller_id: str, reason: str) -> None:
        """A person has released what held the seller first."""
        if reason in LASTING:
            wallet = self.wallets_of[label][seller_id]
            self.lasting[seller_id, reason].append((wallet, len(self.sightings[seller_id])))
        else:
            self.releases[label, seller_id][reason] = self.wallet_now(seller_id)

    def close(self, ledger: model.Ledger, failures: dict[str, int]) -> list[str]:
        """Settle every window that has ended; returns their labels."""
        found: dict[int, dict[str, SettlementRow]] = defaultdict(dict)
        for row in model.settlement_rows(ledger):
            window = window_of(row.window_starts_at, self.settings.timezone)
            if not row.is_open and (not self.closes or window.number > self.closes[-1].number):
                found[window.number][row.seller_id] = row
        current = window_of(ledger.as_of, self.settings.timezone).number
        first = self.closes[-1].number + 1 if self.closes else self.first(ledger.as_of)
        self.selling = {entry.seller_id for entry in ledger.entries}
        health = {
            row.seller_id: bool(set(row.review_reasons) - self.settings.paid.keys())
            for row in model.health_rows(ledger)
        }
        ends = {number: self._at_the_end(number) for number in range(first, current)}
        usual = self._usual()  # by the closes before this build
        labels = []
        for number in range(first, current):
            window = window_numbered(number, self.settings.timezone)
            mine = found.get(number, {})
            self.rows[window.label] = mine
            self.wallets_of[window.label] = {s: self.sellers[s].wallet_address for s in mine}
            if number == current - 1:
                self.reasons[window.label] = {
                    s: self._reasons(row, window, health.get(s, False), failures.get(s, 0), usual)
                    for s, row in mine.items()
                }
            people = [a for a in self.facts.assignments if a.is_by_people]
            flagged = (row for row in model.health_rows(ends[number]) if row.needs_review)
            reasons = {row.seller_id: row.review_reasons for row in flagged}
            flags = self.flags.close(window, reasons, people, self.settings, ledger.as_of)
            self.lands("assignments", [flag.assignment for flag in flags])
            self.closes.append(window)
            if number == first and not flags:  # nothing has come since that one was read
                self.posting = model.closed(ends[number].screened, window, self.posting)
            else:
                self.posting = model.close(self.facts, window, self.settings, self.posting)
            labels.append(window.label)
        return labels

    def _at_the_end(self, number: int) -> model.Ledger:
        """Of a window, by what was posted before."""
        window = window_numbered(number, self.settings.timezone)
        return model.keep(self.facts, window.ends_at, self.settings, self.posting)

    def first(self, as_of: datetime) -> int:
        """The week in which anything could be available."""
        go_live = self.facts.go_live
        if go_live and go_live.starts_at <= as_of:
            return window_of(go_live.starts_at, self.settings.timezone).number
        days = [self.settings.default_reserve_days]
        days += [policy.reserve_days for policy in self.settings.policies]
        orders = filterfalse(is_misdated, self.facts.orders)
        began = [order.ordered_at + timedelta(days=min(days)) for order in orders]
        began += map(seen_at, filterfalse(is_misdated, self.facts.seller_charges))
        began += [item.approved_at for item in self.facts.adjustments]
        return window_of(min([*began, as_of]), self.settings.timezone).number

    def _usual(self) -> dict[str, int]:
        """The median due of each seller in the last 8 stored windows (the lower of two)."""
        due: dict[str, list[int]] = defaultdict(list)
        for window in self.closes[-8:]:
            for seller_id, row in self.rows[window.label].items():
                due[seller_id].append(row.net)
        return {s: sorted(nets)[(len(nets) + 1) // 2 - 1] for s, nets in due.items()}

    def _reasons(
        self,
        row: SettlementRow,
        window: Window,
        needs_review: bool,
        failures: int,
        usual: dict[str, int],
    ) -> list[str]:
        seller = self.sellers[row.seller_id]
        wallet, rail = seller.wallet_address, self.settings.rail(seller)
        seen = self.sightings[row.seller_id]
        changes = [
            at for (_, before), (at, after) in pairwise(seen) if account(before) != account(after)
        ]
        changed_at = changes[-1] if changes else None
        is_valid = bool(wallet) and self.wallets[wallet] is not None
        named = self.named[account(wallet)]
        before = named[: named.index(row.seller_id)] if wallet else []
        owners = [s for s in before if self.sellers[s].status != "closed" and s in self.selling]
        median = usual.get(row.seller_id)
        net = row.net
        holds = {
            "nothing_due": net == 0,
            "negative_balance": net < 0,
            "seller_suspended": seller.status == "suspended",
            "seller_closed": seller.status == "closed",
            "not_verified": not seller.payouts_enabled,
            "no_rail": rail is None,
            "wallet_missing": not wallet,
            "wallet_invalid": bool(wallet)
            and (self.wallets[wallet] is None or self.wallets[wallet] != rail)
            and (self.wallets[wallet] is None or rail is not None),
            "wallet_not_payable": is_valid and account(wallet) in self.unpayable,
            "wallet_blocked": account(wallet) in self.blocked,
            "wallet_unchecksummed": is_valid and in_one_case(wallet),
            "wallet_shared": bool(owners),
            "wallet_changed": changed_at is not None
            and changed_at >= window.ends_at + LAG - WALLET_QUIET,
            "repeated_failure": failures >= 3,
            "manual_review": needs_review or row.seller_id in self.held,
            "above_maximum": net > MAXIMUM
            or (median is not None and net > 3 * median and net > UNUSUAL),
            "below_minimum": rail is not None and 0 < net < MINIMUMS[rail],
        }
        return [reason for reason, applies in holds.items() if applies]

    def holds_now(self, label: str, seller_id: str, conflicts: set[str]) -> list[str]:
        """What holds a stored row of the latest closed window at this moment."""
        seller, stored = self.sellers[seller_id], self.wallets_of[label][seller_id]
        wallet_now = self.wallet_now(seller_id)
        live = {
            "seller_suspended": seller.status == "suspended",
            "seller_closed": seller.status == "closed",
            "not_verified": not seller.payouts_enabled,
            "wallet_blocked": account(stored) in self.blocked,
            "wallet_changed": wallet_now != stored,
            "outcome_conflict": seller_id in conflicts,
            "manual_review": seller_id in self.held,
        }
        found = set(self.reasons[label][seller_id]) | {r for r, applies in live.items() if applies}
        for reason, wallet in self.releases[label, seller_id].items():
            covers = reason != "wallet_changed" or wallet == wallet_now
            if covers and not (reason == "manual_review" and seller_id in self.held):
                found.discard(reason)
        for reason in LASTING:
            for wallet, count in self.lasting[seller_id, reason]:
                since = {account(seen) for _, seen in self.sightings[seller_id][count:]}
                if account(wallet) == account(stored) and since <= {account(wallet)}:
                    found.discard(reason)
        return sorted(found)
