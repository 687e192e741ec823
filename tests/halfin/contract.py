"""What halfin's answers and webhooks look like, after its public documentation, as JSON Schema.

Fields that are not listed here are allowed: a rail may add some. What is marked as assumed is not
documented publicly.
"""

from typing import Any

from jsonschema import Draft202012Validator

Json = dict[str, Any]


def fields(optional: tuple[str, ...] = (), **known: Json) -> Json:
    """An object that has all of these fields, but for the optional ones."""
    required = [name for name in known if name not in optional]
    return {"type": "object", "required": required, "properties": known}


def rows(row: Json) -> Json:
    return {"type": "array", "minItems": 1, "items": row}


def maybe(kind: Json) -> Json:
    return {"anyOf": [kind, {"type": "null"}]}


TEXT: Json = {"type": "string", "minLength": 1}
COUNT: Json = {"type": "integer", "minimum": 0}
YES_NO: Json = {"type": "boolean"}
DECIMAL: Json = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "maxLength": 50}
INSTANT: Json = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}
UUID: Json = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
DOCUMENTED_STATES = ("pending_approval", "processing", "completed", "failed")
OTHER_STATES = ("cancelled", "expired", "rejected", "returned", "reversed")  # assumed
ENVIRONMENT: Json = {"enum": ["live", "test"]}

PAYOUT = fields(
    id=UUID,
    currency={"type": "string", "maxLength": 20, "minLength": 1},
    network=TEXT,
    amount=DECIMAL,
    amount_in_base_currency=DECIMAL,
    network_fee=DECIMAL,
    fee_amount=DECIMAL,
    destination={"type": "string", "maxLength": 256, "minLength": 1},
    destination_tag=maybe(TEXT),
    status={"enum": [*DOCUMENTED_STATES, *OTHER_STATES]},
    environment=ENVIRONMENT,
    tx_hash=maybe(TEXT),
    idempotency_key=maybe({"type": "string", "maxLength": 255, "minLength": 1}),
    description=maybe({"type": "string", "maxLength": 1000}),
    executable_at=maybe(INSTANT),
    completed_at=maybe(INSTANT),
    created_at=INSTANT,
) | {
    "if": {"properties": {"status": {"const": "completed"}}},
    "then": {"properties": {"tx_hash": TEXT, "completed_at": INSTANT}},
    "else": {"properties": {"completed_at": {"type": "null"}}},
}
BALANCE = fields(
    currency=TEXT,
    network=TEXT,
    environment=ENVIRONMENT,
    available=DECIMAL,
    pending=DECIMAL,
    total_received=DECIMAL,
    total_fees=DECIMAL,
    total_paid_out=DECIMAL,
)
CURRENCY = fields(code=TEXT)  # assumed
LEDGER_ROW = fields(  # assumed
    id={"type": ["integer", "string"]},
    type=TEXT,
    currency=TEXT,
    amount=DECIMAL,
    balance=DECIMAL,
    payout_id=maybe(UUID),
    created_at=INSTANT,
) | {
    "if": {"properties": {"type": {"const": "deposit"}}},
    "then": {"properties": {"payout_id": {"type": "null"}}},
    "else": {"properties": {"payout_id": UUID}},
    "allOf": [
        {
            "if": {"properties": {"type": {"enum": ["payout", "fee"]}}},
            "then": {"properties": {"amount": {"pattern": "^-"}}},
        }
    ],
}
BATCH = fields(  # assumed
    id=UUID, status=TEXT, idempotency_key=TEXT, created_at=INSTANT, payouts=rows(PAYOUT)
)
PAGINATION = fields(
    total=COUNT,
    limit={"type": "integer", "minimum": 1, "maximum": 100},
    offset=COUNT,
    has_more=YES_NO,
)


def headers(**known: Json) -> Json:
    return fields(**{"content-type": {"type": "string", "pattern": "^application/json"}} | known)


def answer(data: Json, status: int = 200, **meta: Json) -> Json:
    body = fields(data=data, meta=fields(request_id=TEXT, **meta))
    return fields(status={"const": status}, headers=headers(), body=body)


def page(row: Json) -> Json:
    return answer(rows(row), pagination=PAGINATION)


def error(status: int, code: str, **known: Json) -> Json:
    details = {"type": "array", "items": {"type": "string"}}
    shown = fields(code={"const": code}, message=TEXT, details=details)
    body = fields(error=shown, meta=fields(request_id=TEXT))
    return fields(status={"const": status}, headers=headers(**known), body=body)


def refused_lines() -> Json:
    """Of a batch with lines that are no good: each of their faults begins with its line's place."""
    found = error(400, "validation_error")
    shown = found["properties"]["body"]["properties"]["error"]["properties"]
    place = {"type": "string", "pattern": r"^payouts\[[0-9]{1,9}\]\.[a-z_]+: ."}
    shown["details"] = {"type": "array", "minItems": 1, "items": place}
    return found


def webhook(event: str, **other: Json) -> Json:
    """Why a payout failed may be left out; so may what we gave it to carry."""
    told = fields(
        ("failure_code", "failure_reason", "metadata"),
        status={"const": event.removeprefix("payout.")},
        failure_code=TEXT,
        failure_reason=TEXT,
        metadata=maybe({"type": "object", "maxProperties": 50}),
    )
    signature = {"type": "string", "pattern": "^t=[0-9]+,v1=[0-9a-f]{64}$"}
    return fields(
        headers=headers(**{"x-halfin-event": {"const": event}, "x-halfin-signature": signature}),
        body=fields(
            event={"const": event}, created_at=INSTANT, data={"allOf": [PAYOUT, told]}, **other
        ),
    )


CONTRACT: dict[str, Json] = {
    "currencies": answer(rows(CURRENCY)),
    "balances": answer(rows(BALANCE)),
    "payout_created": answer(PAYOUT, 201),
    "payout": answer(PAYOUT),
    "payouts_page": page(PAYOUT),
    "ledger_page": page(LEDGER_ROW),
    "batch_created": answer(BATCH, 201),
    "batch": answer(BATCH),
    "error_validation": error(400, "validation_error"),
    "error_refused_lines": refused_lines(),  # assumed
    "error_state": error(400, "invalid_state"),
    "error_unauthorized": error(401, "unauthorized"),
    "error_forbidden": error(403, "forbidden"),
    "error_not_found": error(404, "not_found"),
    "error_conflict": error(409, "conflict"),
    "error_rate_limited": error(
        429, "rate_limited", **{"retry-after": {"type": "string", "pattern": "^[0-9]+$"}}
    ),
    "error_internal": error(500, "internal_error"),
    "error_offline": error(503, "gate_offline"),
    "webhook_completed": webhook("payout.completed"),
    "webhook_failed": webhook("payout.failed"),
    "webhook_test": webhook("payout.completed", type={"const": "test"}),
}


def problems(name: str, seen: Json) -> list[str]:
    """What is wrong with a `status`, `headers` (names in lower case) and `body`, if anything."""
    found = [
        f"{'.'.join(map(str, e.absolute_path))}: {e.message}"
        for e in Draft202012Validator(CONTRACT[name]).iter_errors(seen)
    ]
    if not found and name.endswith("_page"):
        data, at = seen["body"]["data"], seen["body"]["meta"]["pagination"]
        if len(data) > at["limit"] or at["has_more"] != (at["offset"] + len(data) < at["total"]):
            found.append("body.meta.pagination: does not fit the rows")
        times = [row["created_at"] for row in data]
        if times != sorted(times, reverse=True):
            found.append("body.data: the newest row is not the first")
    return found
