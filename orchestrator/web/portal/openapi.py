"""The OpenAPI description of the JSON under /s/, for those who show it on a dashboard of theirs."""

from typing import Any

MONEY = {"type": "string", "pattern": r"^-?\d+\.\d{2}$", "example": "1234.50"}
INSTANT = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}


def _maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": _object(**properties)}


ORDERS = _list(
    order_id=TEXT,
    gross=MONEY,
    held_amount=MONEY,
    ordered_at=INSTANT,
    dispute_window_closes_at=INSTANT,
)
STATEMENT = _object(
    seller_id=TEXT,
    display_name=_maybe(TEXT),
    currency=TEXT,
    zone=TEXT,
    as_of=INSTANT,
    rail=_maybe(TEXT),
    wallet_address=_maybe(TEXT),
    pending_balance=MONEY,
    available_balance=MONEY,
    in_transit=MONEY,
    paid_out=MONEY,
    disputed_amount=MONEY,
    next_release_at=_maybe(INSTANT),
    next_release_amount=_maybe(MONEY),
    reserve_order_count=COUNT,
    weeks=_list(
        payout_window=TEXT,
        status={"enum": ["open", "held", "ready"]},
        amount=MONEY,
        hold_reason=_maybe(TEXT),
        closes_at=INSTANT,
        payout_due_at=INSTANT,
    ),
    releases=_list(day={"type": "string", "format": "date"}, amount=MONEY, orders=COUNT),
    disputes=_list(
        dispute_id=TEXT,
        order_id=TEXT,
        opened_at=INSTANT,
        amount=MONEY,
        outcome=_maybe(TEXT),
        outcome_at=_maybe(INSTANT),
        given_back=_maybe(MONEY),
        borne_by={"enum": ["seller", "marketplace"]},
    ),
    payouts=_list(
        payout_window=TEXT,
        amount=MONEY,
        rail=TEXT,
        wallet_address=TEXT,
        state={"enum": ["submitted", "completed", "failed"]},
        is_back={"type": "boolean"},
        sent_at=INSTANT,
        outcome_at=_maybe(INSTANT),
        tx_hash=_maybe(TEXT),
        failure_code=_maybe(TEXT),
        failure_reason=_maybe(TEXT),
    ),
)
RECEIPT = _object(
    line_id=TEXT,
    payout_window=TEXT,
    seller_id=TEXT,
    attempt=COUNT,
    state=TEXT,
    amount=MONEY,
    currency=TEXT,
    rail=TEXT,
    wallet_address=TEXT,
    payout_id=_maybe(TEXT),
    tx_hash=_maybe(TEXT),
    failure_reason=_maybe(TEXT),
    total=MONEY,
    windows=_list(
        entry_window=TEXT,
        is_carried_in={"type": "boolean"},
        total=MONEY,
        items=_list(
            entry_type=TEXT,
            source_id=TEXT,
            order_id=_maybe(TEXT),
            amount=MONEY,
            occurred_at=INSTANT,
            known_at=INSTANT,
        ),
    ),
)
ERROR = _object(error=_object(status={"type": "integer"}, message=TEXT))
TOKEN = {"name": "token", "in": "path", "required": True, "schema": TEXT}
WINDOW = {"name": "window", "in": "path", "required": True, "schema": TEXT}
ZONE = {"name": "zone", "in": "query", "schema": TEXT, "description": "An IANA time zone."}
OFFSET = {
    **{"name": "offset", "in": "query"},
    "schema": {"type": "integer", "minimum": 0, "maximum": 10**9, "default": 0},
}
LIMIT = {
    **{"name": "limit", "in": "query"},
    "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
}
WHY = {
    "400": "A parameter is not one.",
    "403": "The link has expired.",
    "404": "No such link, or nothing there.",
    "429": "Too many links that were none.",
    "503": "The database does not answer.",
}


def _get(summary: str, schema: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    refusals = {
        status: {"description": text, "content": {"application/json": {"schema": ERROR}}}
        for status, text in WHY.items()
    }
    found = {"description": summary, "content": {"application/json": {"schema": schema}}}
    return {
        "get": {
            "summary": summary,
            "parameters": [TOKEN, *parameters],
            "responses": {"200": found, **refusals},
        }
    }


DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {
        "title": "A seller's payouts",
        "version": "1",
        "description": "Read only, by a signed link. Money is text with two decimals in the"
        " settlement currency; instants are ISO 8601 with an offset.",
    },
    "paths": {
        "/s/{token}/statement.json": _get("Balances, releases, payouts.", STATEMENT, ZONE),
        "/s/{token}/orders.json": _get(
            "Orders in reserve, those first whose dispute window closes first.",
            _object(offset=COUNT, limit=COUNT, orders=ORDERS),
            *(OFFSET, LIMIT),
        ),
        "/s/{token}/receipts/{window}.json": _get("What a payout pays.", RECEIPT, WINDOW),
    },
}
