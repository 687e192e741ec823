"""Lists of what was entered, waits for another person, or was decided."""

from typing import Any

from orchestrator.cli.options import Json, plain_console, print_json, read, say, table_of

MONEY = ("amount", "added", "taken", "owed_to_sellers", "owed_by_sellers")


def adjust_list(as_json: Json = False) -> None:
    """What waits of each file, the adjustments that wait, then the 20 decided last."""
    found = read("decisions/adjustments")
    titles = {"adjustment_id": "id", "state": "state", "file_id": "file", "seller_id": "seller"}
    titles |= {"amount": "amount", "type": "type"}
    who = {"entered_by": "entered by", "approved_by": "approved by", "reason": "why"}
    if not as_json:
        _show_files("decisions/adjustment_files")
    _show(found, titles | who, as_json, empty="There is no adjustment.")


def policy_list(as_json: Json = False) -> None:
    """The limits that apply, the proposals that wait, and what was before."""
    found = read("decisions/policies")
    titles = {"policy_id": "id", "state": "state", "name": "limit", "rail": "rail"}
    who = {"amount": "amount", "proposed_by": "proposed by", "confirmed_by": "confirmed by"}
    _show(found, titles | who | {"note": "why"}, as_json, empty="There is no limit.")


def reserve_list(as_json: Json = False) -> None:
    """What waits, who is under another policy than standard, then the 20 others decided last."""
    found = read("decisions/reserve_assignments")
    titles = {"assignment_id": "id", "state": "state", "file_id": "file", "seller_id": "seller"}
    titles |= {"policy": "policy", "since": "since", "score": "score"}
    who = {"assigned_by": "entered by", "approved_by": "approved by"}
    if not as_json:
        _show_files("decisions/reserve_files")
    empty = "No seller was put under a reserve policy: all are under standard."
    _show(found, titles | who | {"note": "why"}, as_json, empty=empty)


def go_live_list(as_json: Json = False) -> None:
    """The go-live that waits or was approved, and those that were withdrawn."""
    found = read("decisions/go_lives")
    titles = {"go_live_id": "id", "state": "state", "payout_window": "window"}
    owed = {"starts_at": "begins at", "seller_count": "balances", "owed_to_sellers": "to sellers"}
    who = {"owed_by_sellers": "by sellers", "proposed_by": "proposed by"}
    who |= {"approved_by": "approved by", "note": "why"}
    _show(found, titles | owed | who, as_json, empty="There is no go-live.")


def _show_files(query: str) -> None:
    """What another person approves as a whole, before its rows."""
    files = read(query)
    if files:
        columns = {name: name.replace("_", " ") for name in files[0]} | {"file_id": "file"}
        plain_console().print(table_of(files, columns, right=MONEY), end="\n\n")


def _show(
    found: list[dict[str, Any]], columns: dict[str, str], as_json: bool, *, empty: str
) -> None:
    if as_json:
        print_json(found)
    elif not found:
        say(empty)
    else:
        plain_console().print(table_of(found, columns, right=MONEY))
