"""What the tests of paying share: windows and their lines, people who approve, a rail."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import base58
import httpx
import stamina
from eth_utils.address import to_checksum_address
from solders.keypair import Keypair
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.config import Settings
from orchestrator.halfin_sandbox import SandboxConfig, running
from orchestrator.halfin_sandbox.config import chance
from orchestrator.network.addresses import authorities
from orchestrator.settlement.pay import PayResult, pay_window
from tests.functions.dbt_stand_ins import CHECK, COMPUTED, ENTRY, RAIL, SELLER, WALLET
from tests.functions.payment_server import DBT, ORCHESTRATOR, OWNER, Database
from tests.halfin.sandbox import KEY, SIGNING, http_server
from tests.support.ledgers import LEDGERS_READ

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
WEEK = timedelta(days=7)
LAG = timedelta(minutes=15)
WINDOW, NEXT_WINDOW = "2026-W47", "2026-W48"
CLOSE = MONDAY + WEEK + LAG
DUE = MONDAY + timedelta(days=8, hours=8)
CURRENCIES = {"TRC-20": "USDT_TRC20", "ERC-20": "USDT_ERC20", "SPL": "USDT_SPL"}
SANDBOX: dict[str, Any] = {
    "api_key": KEY,
    "webhook_secret": SIGNING,
    "approval_delay_s": 0.0,
    "processing_delay_s": 0.0,
    "webhook_base_delay_s": 0.02,
}


def wallet_of(seller: str, rail: str) -> str:
    """An address of the rail's own form; always the same one for a seller."""
    raw = sha256(seller.encode()).digest()
    return {
        "ERC-20": to_checksum_address("0x" + raw[:20].hex()),
        "TRC-20": base58.b58encode_check(b"\x41" + raw[:20]).decode(),
        "SPL": str(Keypair.from_seed(raw).pubkey()),
    }[rail]


@dataclass(frozen=True)
class Line:
    """What the build computed for one seller."""

    seller: str
    net_minor: int
    rail: str = "TRC-20"
    holds: tuple[str, ...] = ()

    @property
    def wallet(self) -> str:
        return wallet_of(self.seller, self.rail)


STORE = "select finance.store_close(%s)"
LINES = (Line("s1", 12_345), Line("s10", 100_000, "ERC-20"), Line("s2", 7, "SPL"))


def expected_digest(*lines: Line, window: str = WINDOW, run: int = 1) -> str:
    """The digest, read once more on its own."""

    def money(minor: int) -> str:
        return f"{minor // 100}.{minor % 100:02d}"

    total = money(sum(line.net_minor for line in lines))
    text = f"v2|{window}|{run}|USD|{len(lines)}|{total}\n"
    for line in sorted(lines, key=lambda line: line.seller.encode()):
        text += f"{line.seller}|{money(line.net_minor)}|{line.rail}|"
        text += f"{CURRENCIES[line.rail]}|{line.wallet}\n"
    return sha256(text.encode()).hexdigest()


class Market(Database):
    """The weeks of a marketplace: what was computed, stored, approved, frozen and sent."""

    @classmethod
    @contextmanager
    def open(cls, *, is_fresh: bool = False) -> Iterator["Market"]:
        """A market for one test. The client of the rail makes one try a call in it."""
        database = cls.fresh() if is_fresh else cls.cleared()
        with database as market, stamina.set_testing(True, attempts=1, cap=True):
            yield market

    def at(self, instant: datetime) -> None:
        self.rows(
            OWNER,
            "insert into finance.clock (now_at) values (%s)"
            " on conflict (only_row) do update set now_at = excluded.now_at",
            instant,
        )

    def build(self, *lines: Line, weeks: int = 0, as_of: datetime | None = None) -> None:
        """What a build leaves behind: one window, `weeks` after WINDOW, and no other."""
        starts = MONDAY + weeks * WEEK
        as_of = as_of or starts + WEEK + LAG
        window = f"2026-W{47 + weeks}"
        self.rows(
            OWNER,
            "truncate settlement_core.int_build, settlement_core.int_settlement__computed,"
            " settlement_core.int_entries, settlement.windows, settlement.window_checks",
        )
        self.rows(
            OWNER,
            "insert into settlement_core.int_build select %s, %s, 'UTC', 'USD',"
            " coalesce(max(window_ends_at), '-infinity') from finance.window_closes",
            as_of,
            LAG,
        )
        self.rows(
            OWNER,
            "insert into finance.build_instants"
            " (target_schema, as_of, landed_before, landed_in, completed_at)"
            " values ('settlement', %s, 0, 0, %s) on conflict"
            " (target_schema) do update set as_of = excluded.as_of, completed_at = excluded.as_of",
            as_of,
            as_of,
        )
        self.rows(OWNER, CHECK, window)
        due = starts + (DUE - MONDAY)
        self.rows(
            OWNER,
            "insert into settlement.windows values (%s, %s, %s, %s)",
            *(window, starts, starts + WEEK, due),
        )
        for line in lines:
            fields = {
                "window": window,
                "seller": line.seller,
                "starts": starts,
                "ends": starts + WEEK,
                "net": line.net_minor,
                "rail": line.rail,
                "currency": CURRENCIES[line.rail],
                "wallet": line.wallet,
                "holds": list(line.holds),
            }
            for query in (COMPUTED, ENTRY, SELLER, WALLET, RAIL):
                self.rows(OWNER, query, **fields)

    def close(self, *lines: Line, weeks: int = 0) -> None:
        """Build and store a window; the clock then shows the instant of the close.

        The rail's ledgers count as read since.
        """
        self.at(CLOSE + weeks * WEEK)
        self.build(*(lines or LINES), weeks=weeks)
        assert self.store(f"2026-W{47 + weeks}")
        self.ledgers_read()

    def ledgers_read(self) -> None:
        """The rail's ledgers were read since the latest close, and had nothing to tell."""
        self.rows(OWNER, LEDGERS_READ)

    def hand_over(self) -> None:
        """What dbt does at the end of a build."""
        self.rows(DBT, "set role settle_dbt")
        self.rows(DBT, "select finance.hand_over()")

    def store(self, window: str = WINDOW) -> bool:
        """Store the close of what was built; true where it was new."""
        self.hand_over()
        return bool(self.value(ORCHESTRATOR, STORE, window))

    def refused_store(self, window: str = WINDOW) -> str:
        """Why such a close was refused."""
        self.hand_over()
        return self.refusal(ORCHESTRATOR, STORE, window)

    def digest(self, window: str = WINDOW) -> str:
        return str(self.value("dora", "select digest from finance.payable(%s)", window))

    def approve(self, *people: str, window: str = WINDOW) -> None:
        for person in people:
            self.rows(person, "select finance.approve(%s, %s)", window, self.digest(window))

    def approved(self, *lines: Line) -> None:
        """A window that is closed, approved by one person and due."""
        self.close(*lines)
        self.approve("ana")
        self.at(DUE)

    def obstacles(self, window: str = WINDOW) -> list[str]:
        found = self.rows("dora", "select o from finance.payout_obstacles(%s) as o", window)
        return [row["o"] for row in found]

    def freeze(self, window: str = WINDOW) -> int:
        return int(self.value(ORCHESTRATOR, "select finance.freeze_batch(%s)", window))

    def state(self, window: str = WINDOW) -> list[str]:
        """The states of the window's batches, one after another."""
        query = "select state from finance.payout_batches where payout_window = %s order by attempt"
        return [row["state"] for row in self.rows("dora", query, window)]

    def lines(self, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Columns of the payout lines, by seller and attempt."""
        query = (
            f"select {columns} from finance.payout_lines as l"
            f" where {where} order by l.seller_id, l.batch_id"
        )
        return [tuple(row.values()) for row in self.rows("dora", query)]

    def kinds(self, table: str) -> list[str]:
        """The kinds of the rows of finance.breaks or finance.alerts, in order."""
        return [
            row["kind"] for row in self.rows("dora", f"select kind from finance.{table} order by 1")
        ]

    def pay(
        self, rail_url: str, window: str = WINDOW, *, key: str = KEY, **other: Any
    ) -> PayResult:
        """`settle pay` without a process of its own; `other` are settings."""
        return pay_window(replace(self.at_rail(rail_url, key), **other), window)

    def at_rail(self, rail_url: str, key: str = KEY) -> Settings:
        return replace(self.settings, halfin_base_url=rail_url, halfin_api_key=key)


@contextmanager
def rail(**config: Any) -> Iterator[str]:
    """A sandbox in a thread; yields its base URL."""
    with running(SandboxConfig(**(SANDBOX | config))) as url:
        yield url


def not_served(lines: Sequence[Line], *sellers: str) -> dict[str, Any]:
    """The settings of a sandbox that refuses the destinations of these of the lines' sellers."""
    rate = 0.4
    for seed in range(10_000):
        struck = {s.seller for s in lines if chance(seed, "refused", s.wallet) < rate}
        if struck == set(sellers):
            return {"refused_destination_rate": rate, "seed": seed}
    raise AssertionError(sellers)


def books(url: str) -> dict[str, Any]:
    """What the sandbox has counted: batches, payouts, by_status, idempotency_keys, webhooks."""
    answer = httpx.get(
        url.removesuffix("/api") + "/sandbox/state", trust_env=False, verify=authorities()
    )
    found: dict[str, Any] = answer.json()
    return found


def exact_bytes(market: Market, batch: int) -> bytes:
    """The body of a batch's first call, as it would be sent."""
    pieces = market.rows(ORCHESTRATOR, "select finance.call_body(%s, 1) as piece", batch)
    return b"".join(row["piece"] for row in pieces)


def paid_once(market: Market, url: str) -> None:
    """Each line is at the rail once, and each is ours."""
    assert market.state()[-1] == "accepted"
    assert (books(url)["batches"], books(url)["payouts"]) == (1, len(LINES))
    lines = market.lines("seller_id, state, payout_id", "state <> 'rejected'")
    assert [(seller, state) for seller, state, _ in lines] == [
        (line.seller, "submitted") for line in LINES
    ]
    assert len({payout for _, _, payout in lines}) == len(LINES)


def eventually(done: Callable[[], bool], timeout_s: float = 90.0) -> None:
    """Wait for what other processes do; a busy machine takes its time."""
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline, f"nothing happened in {timeout_s} s"
        time.sleep(0.02)


def forward(url: str, request: Request, body: bytes) -> Response:
    """What the sandbox at `url` answers to this request."""
    answer = httpx.request(
        request.method,
        f"{url.removesuffix('/api')}{request.url.path}?{request.url.query}",
        content=body,
        headers={"X-API-Key": request.headers["X-API-Key"]},
        trust_env=False,
        verify=authorities(),
    )
    return Response(answer.content, answer.status_code)


@contextmanager
def odd_rail(
    url: str, answer: Callable[[Request, bytes], Response], method: str = "POST"
) -> Iterator[str]:
    """The sandbox at `url`, but for one method, which is answered oddly."""

    def answers(request: Request, body: bytes) -> Response:
        return answer(request, body) if request.method == method else forward(url, request, body)

    with http_server(answers) as odd:
        yield f"{odd}/api"
