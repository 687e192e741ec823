"""`settle load` of bad values: each by its exact line, and nothing is loaded."""

import csv

import pytest

from orchestrator.loading.pipeline import TableCounts
from tests.data.load_files import (
    AMOUNT,
    AT,
    GOOD,
    HEADERS,
    Connection,
    Load,
    counts,
    refused,
    rows,
)

EMPTY = "every row needs one"
DECIMALS = "has more than 18 decimals; round it or fix the export"
INSTANT = "is not an instant; write it like 2026-11-22T09:30:00Z"
NO_OFFSET = "has no offset; write it like 2026-11-22T09:30:00Z"
RANGE = "is out of range; instants lie from 2000 to 2099"
STATUS = "is not a status; use active, suspended or closed"
SCHEDULE = "is not a schedule; use weekly, monthly or paused"
FLAG = "is neither true nor false; write one of the two"
BAD_VALUES = [
    ("orders.order_id", "", f"is empty; {EMPTY}"),
    ("orders.order_id", "  ", f"is blank; {EMPTY}"),
    ("orders.order_id", " o1", "has a space at its start or end; remove it"),
    ("orders.order_id", "\ufeffo1", "has an invisible character; remove it"),
    ("orders.order_id", "o\u200b\u202e1", "has an invisible character; remove it"),
    ("orders.order_id", "ö\x9b1", "has a line break or control character; remove it"),
    ("orders.order_id", "ö" * 256, "is longer than 255 characters; shorten it"),
    ("orders.checkout_id", "x" * 256, "is longer than 255 characters; shorten it"),
    ("orders.seller_id", "", f"is empty; {EMPTY}"),
    ("orders.currency", "", f"is empty; {EMPTY}"),
    ("orders.gross_amount", "", "is empty; write it like 1234.50"),
    ("orders.gross_amount", "1.0000000000000000000", DECIMALS),
    ("orders.gross_amount", "-12.", AMOUNT),
    ("orders.gross_amount", "NaN", AMOUNT),
    ("orders.gross_amount", "Infinity", AMOUNT),
    ("orders.gross_amount", "1e3", AMOUNT),
    ("orders.gross_amount", "1,234.50", AMOUNT),
    ("orders.gross_amount", "+5", AMOUNT),
    ("orders.gross_amount", " 5", AMOUNT),
    ("orders.gross_amount", "٣", AMOUNT),
    ("orders.exchange_rate", "1,0837", AMOUNT),
    ("orders.exchange_rate", "6.3e-05", AMOUNT),
    ("orders.exchange_rate", "0.0000630000000000001", DECIMALS),
    (
        "orders.gross_amount",
        "1000000000000",
        "is out of range; the largest amount is 999999999999.99",
    ),
    ("orders.ordered_at", "", "is empty; write it like 2026-11-22T09:30:00Z"),
    ("orders.ordered_at", "yesterday", INSTANT),
    ("orders.ordered_at", "2026-11-02", INSTANT),
    ("orders.ordered_at", "infinity", INSTANT),
    ("orders.ordered_at", "2026-11-02T09:30:00", NO_OFFSET),
    ("orders.ordered_at", "2026-11-02 09:30", NO_OFFSET),
    ("orders.ordered_at", "2026-02-30T09:30:00Z", "is not on the calendar or the clock; fix it"),
    ("orders.ordered_at", "2026-11-02T25:30:00Z", "is not on the calendar or the clock; fix it"),
    (
        "orders.ordered_at",
        "2026-11-02T09:30:00.1234567Z",
        "has more than six decimals of a second; cut them off",
    ),
    ("orders.ordered_at", "1970-01-01T00:00:00Z", RANGE),
    ("orders.recorded_at", "2999-01-01T00:00:00Z", RANGE),
    ("orders.recorded_at", "2026-11-02T09:30:00", NO_OFFSET),
    ("order_fees.amount", "NaN", AMOUNT),
    ("order_fees.amount", "-.001", AMOUNT),
    ("order_fees.seller_id", "s\n1", "has a line break or control character; remove it"),
    ("order_fees.fee_type", "", f"is empty; {EMPTY}"),
    ("refunds.amount", "", "is empty; write it like 1234.50"),
    ("refunds.reverses_refund_id", " r0", "has a space at its start or end; remove it"),
    ("dispute_events.amount", "all", AMOUNT),
    ("dispute_events.amount", "", "is empty; an event that is opened needs one"),
    ("dispute_events.event_type", "", f"is empty; {EMPTY}"),
    ("seller_charges.amount", "", "is empty; write it like 1234.50"),
    ("seller_charges.charge_type", "", f"is empty; {EMPTY}"),
    ("seller_charges.charged_at", "2026-11-02", INSTANT),
    ("sellers.status", "Active", STATUS),
    ("sellers.fast_settlement", "on", FLAG),
    ("sellers.fast_settlement", "", "is empty; write one of the two"),
    ("sellers.payouts_enabled", "2", FLAG),
    ("sellers.payout_schedule", "daily", SCHEDULE),
    ("sellers.payout_minimum", "-0.01", "is below 0; fix it"),
    ("sellers.payout_minimum", "ten", AMOUNT),
    ("sellers.region", "", f"is empty; {EMPTY}"),
    ("sellers.created_at", "5.11.2026", INSTANT),
    ("sellers.updated_at", "2026-11-02T09:30:00", NO_OFFSET),
]


@pytest.mark.parametrize(("column", "value", "fault"), BAD_VALUES)
def test_a_bad_value_is_named(
    load: Load, marketplace_db: Connection, column: str, value: str, fault: str
) -> None:
    table, column = column.split(".")
    file = f"{table}.csv"
    values = next(csv.reader([GOOD[file]]))
    values[list(HEADERS[file].split(",")).index(column)] = f'"{value}"'
    shown = "".join(c if c.isprintable() else "?" for c in value)
    shown = f"'{shown}' " if len(shown) <= 40 else f"'{shown[:40]}...' "
    files = {"sellers.csv": [GOOD["sellers.csv"]], file: ["", ",".join(values)]}
    assert refused(load, files) == [f"{file}:3: {column}: {shown if value else ''}{fault}"]
    assert not any(counts(marketplace_db).values())


def test_accepted_amounts_and_instants(load: Load, marketplace_db: Connection) -> None:
    fees = [
        f"f{n},o1,s1,x,{amount},2026-11-02 09:30:00.123456-03:30,{AT}"
        for n, amount in enumerate(["0", "-0.30", "007.5", "999999999999.99"])
    ]
    load({"sellers.csv": [GOOD["sellers.csv"]], "order_fees.csv": fees})
    total = rows(marketplace_db, "select sum(amount)::text from marketplace.order_fees")
    assert total == [("1000000000007.19",)]


def test_one_line_per_bad_row(load: Load) -> None:
    assert refused(load, {"orders.csv": ["o1,,s1,USD,1,x,now,"]}) == [
        "orders.csv:2: checkout_id: is empty; every row needs one; also bad: exchange_rate,"
        " ordered_at"
    ]


def test_a_bad_fact_that_can_be_read_is_stored(load: Load, marketplace_db: Connection) -> None:
    """What is wrong with it is shown after the next build, and stops nobody else's payout."""
    load(
        {
            "orders.csv": [f"o1,c1,ghost,XXX,-3.005,0,{AT},", f"o2,c1,s1,JPY,0,,{AT},"],
            "refunds.csv": [f"r1,o9,ghost,-1,{AT},,,r9"],
            "dispute_events.csv": [
                f"e1,d1,o9,s1,inquiry,-1,{AT},",
                f"e2,d1,o9,s1,inquiry,,{AT},",
                f"e3,d1,o9,s1,withdrawn,,{AT},",
                f"e4,d1,o9,s1,lost,0,{AT},",
            ],
            "seller_charges.csv": [f"h1,ghost,storage,0,{AT},,"],
        }
    )
    amounts = rows(marketplace_db, "select amount from marketplace.dispute_events order by 1")
    assert amounts == [(-1,), (0,), (None,), (None,)]
    assert rows(
        marketplace_db,
        "select gross_amount::text, exchange_rate from marketplace.orders order by order_id",
    ) == [("-3.005", 0), ("0", None)]


def test_columns_that_may_be_missing(load: Load, marketplace_db: Connection) -> None:
    load(
        {
            "sellers.csv": "seller_id,display_name,region,fast_settlement,wallet_address,status,"
            f"created_at,updated_at\ns1,Shop,EU,no,,active,{AT},{AT}\n",
            "orders.csv": "order_id,checkout_id,seller_id,currency,gross_amount,ordered_at\n"
            f"o1,c1,s1,USD,5,{AT}\n",
            "refunds.csv": "refund_id,order_id,seller_id,amount,refunded_at,reason\n"
            f"r1,o1,s1,5,{AT},late\n",
            "seller_charges.csv": "charge_id,seller_id,charge_type,amount,charged_at\n"
            f"h1,s1,storage,5,{AT}\n",
        }
    )
    [row] = rows(
        marketplace_db,
        "select payouts_enabled, payout_schedule, payout_minimum, exchange_rate,"
        " reverses_refund_id, note, o.recorded_at = settle_now()"
        " from marketplace.sellers, marketplace.orders as o, marketplace.refunds,"
        " marketplace.seller_charges",
    )
    assert row == (True, "weekly", None, None, None, None, True)
    given = {
        "sellers.csv": [f"s1,Shop,EU,no,,active,no,{AT},2026-11-03T00:00:00Z,monthly,20.5"],
        "orders.csv": [f"o2,c1,s1,EUR,5,1.0837,{AT},"],
        "refunds.csv": [f"r2,o1,s1,5,{AT},,bounced,r1"],
        "seller_charges.csv": [f"h2,s1,storage,-5,{AT},,credit"],
    }
    assert load(given).tables["sellers"] == TableCounts(replaced=1)
    [row] = rows(
        marketplace_db,
        "select payouts_enabled, payout_schedule, payout_minimum::text, exchange_rate::text,"
        " reverses_refund_id, note from marketplace.sellers, marketplace.orders,"
        " marketplace.refunds, marketplace.seller_charges"
        " where orders.order_id = 'o2' and refund_id = 'r2' and charge_id = 'h2'",
    )
    assert row == (False, "monthly", "20.5", "1.0837", "r1", "credit")
    assert load(given).is_noop
