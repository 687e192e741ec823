"""The statement of limit.sql once more, in pandas; money is integer cents, ids are integers."""

import pandas as pd

RESERVE, WEEK = pd.Timedelta(days=7), pd.Timedelta(days=7)

Frames = dict[str, pd.DataFrame]


def window_rows(
    frames: Frames, starts_at: pd.Timestamp, ends_at: pd.Timestamp, as_of: pd.Timestamp
) -> pd.DataFrame:
    """One row per seller: what is due in the window by kind, the number of orders, and pending."""
    orders = frames["orders"]
    orders = orders[orders["known_at"] <= as_of]
    orders = orders.assign(release_at=orders["ordered_at"] + RESERVE)
    fees = frames["order_fees"]
    fees = fees[(fees["known_at"] >= starts_at - RESERVE) & (fees["known_at"] <= as_of)]
    fees = _of_orders(fees, orders).assign(kind="fee")
    claims = _claims(frames, orders, starts_at - RESERVE, as_of)
    adjustments = frames["adjustments"].assign(kind="adjustment")
    adjustments = adjustments[adjustments["known_at"] <= as_of]
    adjustments = adjustments.assign(release_at=adjustments["known_at"])
    orders = orders.rename(columns={"gross_minor": "minor"}).assign(kind="order")
    entries = pd.concat(
        [orders, fees, claims, adjustments],
        ignore_index=True,
    )[["seller", "kind", "minor", "known_at", "release_at"]]
    available_at = entries["known_at"].where(
        entries["known_at"] > entries["release_at"], entries["release_at"]
    )
    due = entries[(available_at >= starts_at) & (available_at < ends_at)]
    rows = due.pivot_table(
        index="seller", columns="kind", values="minor", aggfunc="sum", fill_value=0
    )
    rows["order_count"] = due[due["kind"] == "order"].groupby("seller").size()
    signed = entries["minor"].where(
        entries["kind"].isin(["order", "adjustment"]), -entries["minor"]
    )
    rows["pending"] = signed[available_at > as_of].groupby(entries["seller"]).sum()
    return rows.fillna(0).astype("int64")


def _of_orders(facts: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    columns = ["order_number", "gross_minor", "release_at", "known_at"]
    paired = facts.merge(orders[columns], on="order_number", suffixes=("", "_order"))
    paired["known_at"] = paired[["known_at", "known_at_order"]].max(axis=1)
    return paired


def _claims(
    frames: Frames, orders: pd.DataFrame, since: pd.Timestamp, as_of: pd.Timestamp
) -> pd.DataFrame:
    facts = [frames["refunds"], frames["dispute_events"]]
    moved = pd.concat([f.loc[f["known_at"] >= since, "order_number"] for f in facts]).unique()
    orders = orders[orders["order_number"].isin(moved)]
    refunds, events = (_of_orders(f[f["known_at"] <= as_of], orders) for f in facts)
    refunds = refunds.assign(kind="refund", rank=1)
    events = events.sort_values(["known_at", "occurred_at", "id"])
    opened = events[events["event_type"] == "opened"].drop_duplicates("dispute")
    paying = opened[["release_at", "known_at_order"]].max(axis=1)
    monday = paying.dt.floor("D") - pd.to_timedelta(paying.dt.weekday, unit="D")
    is_in_time = (opened["occurred_at"] < opened["release_at"]) & (
        opened["known_at"] < monday + WEEK
    )
    opened = opened[is_in_time].assign(kind="dispute", rank=2)
    outcomes = events[events["event_type"] != "opened"].drop_duplicates("dispute")
    won = outcomes[outcomes["event_type"] == "won"].merge(
        opened[["dispute", "minor", "occurred_at", "known_at"]], on="dispute", suffixes=("", "_of")
    )
    won = won.assign(
        kind="dispute",
        rank=3,
        minor=-won[["minor", "minor_of"]].min(axis=1),
        occurred_at=won[["occurred_at", "occurred_at_of"]].max(axis=1),
        known_at=won[["known_at", "known_at_of"]].max(axis=1),
    )
    claims = pd.concat([refunds, opened, won]).sort_values(
        ["order_number", "known_at", "occurred_at", "rank", "id"]
    )
    running = claims.groupby("order_number")["minor"].cumsum()
    before = (running - claims["minor"]).clip(0).clip(upper=claims["gross_minor"])
    return claims.assign(minor=running.clip(0).clip(upper=claims["gross_minor"]) - before)
