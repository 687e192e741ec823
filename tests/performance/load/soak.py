"""Years of payout weeks in one process, and what grows meanwhile.

    make soak WEEKS=200 WHOLE=1

Each week is closed, approved, paid and reconciled (see long_market.py), each WHOLE-th with every
data test, as a Dagster run. Prints a line a week and then a table of what was held at the beginning
and at the end; fails where something grew that must not, or where a cent is missing. Ctrl-C ends it
after the weeks so far, with their table.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path
from statistics import median

import psutil
from long_market import LongMarket

from orchestrator.services.processes import settle_process
from tests.support.postgres import open_home
from tests.support.settings import make_settings

WARM = 5  # weeks until everything is imported, compiled and pooled
SIZES = """
select
    count(*) filter (where datname = 'settle') as connections,
    (select count(*) from pg_stat_activity where datname = 'settle_dagster') as history_connections,
    (select pg_database_size('settle') / 1048576.0) as database_mb,
    (select sum(pg_total_relation_size(c.oid)) / 1048576.0 from pg_class as c
        where c.relnamespace = 'pg_catalog'::regnamespace) as catalog_mb,
    (select count(*) from pg_class where relkind in ('r', 'v', 'm')) as relations
from pg_stat_activity where backend_type = 'client backend'
"""
# What must not grow, and by how much more it may be at the end than after the first weeks.
BOUNDS = {
    "threads": 2,
    "files": 5,
    "connections": 2,
    "history_connections": 2,
    "temp_files": 0,
    "receiver_files": 8,
    "relations": 0,
    "catalog_mb": 40,
}
MOST_RSS_MB_A_WEEK, MOST_SLOWER = 1.0, 2.0
# Money in = money out + what is still held; each line is at the rail once; nothing is left open.
WRONG = """
select 'the batches that were accepted' as what from finance.payout_batches
where state <> 'accepted' having count(*) > 0
union all
select 'lines without an outcome' from finance.payout_lines
where state not in ('completed', 'failed') having count(*) > 0
union all
select 'failed lines whose money did not come back' from finance.payout_lines
where state = 'failed' and returned_at is null having count(*) > 0
union all
select 'open breaks' from finance.breaks where closed_at is null having count(*) > 0
union all
select 'paid is not what the rail paid' where (
    select coalesce(sum(amount_minor), 0) from finance.payout_lines where state = 'completed'
) <> (
    select -100 * coalesce(sum(amount), 0) from halfin.ledger_entries where entry_type = 'payout'
)
union all
select 'a seller has not what the entries say' from settlement.seller_reserve as r
inner join (
    select seller_id, sum(amount_minor) as entered from settlement.entries group by seller_id
) as e on r.seller_id = e.seller_id
where 100 * (r.pending_balance + r.available_balance + r.in_transit + r.paid_out) <> e.entered
having count(*) > 0
union all
select 'a stored close is contradicted' from settlement_core.int_close_contradictions
having count(*) > 0
"""


def main(weeks: int, whole: int) -> None:
    home = open_home("soak")
    scratch = home / "scratch"
    scratch.mkdir(mode=0o777)
    tempfile.tempdir = str(scratch)
    market = LongMarket(make_settings(home))
    environment = {"SETTLE_HOME": str(home), "SETTLE_NOW": "", "TMPDIR": str(scratch)}
    seen: list[dict[str, float]] = []
    # Between two weeks: dbt would take a Ctrl-C for its own.
    is_asked_to_end: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: is_asked_to_end.append(number))
    serve = ["serve", "--port", "0"]
    with settle_process(serve, environment, home / "receiver.log") as (receiver, webhooks):
        sandbox = [
            *("sandbox", "--port", "0", "--webhook-url", webhooks, "--failure-rate", "0.03"),
            *("--approval-delay", "0", "--processing-delay", "0"),
        ]
        with settle_process(sandbox, environment, home / "sandbox.log") as (_, rail):
            for number in range(weeks):
                if is_asked_to_end:
                    break
                seconds = market.week(number, rail, is_whole=number % whole == 0)
                [held] = market.ask(SIZES)
                seen.append(
                    seconds
                    | {name: float(str(value)) for name, value in held.items()}
                    | _of_processes(receiver.pid, scratch)
                )
                _print(number, seen[-1])
    report(seen)
    wrong = [row["what"] for row in market.ask(WRONG)]
    [lines] = market.ask("select count(*) as n, sum(amount_minor) as m from finance.payout_lines")
    sent = f"{lines['n']} lines, {lines['m']} cents sent"
    print(f"\n{len(seen)} weeks, {sent}; wrong: {wrong or 'nothing'}")
    grown = grew(seen)
    sys.exit("\n".join(map(str, [*wrong, *grown])) or 0)


def _of_processes(receiver: int, scratch: Path) -> dict[str, float]:
    ours, theirs = psutil.Process(), psutil.Process(receiver)
    return {
        "rss_mb": ours.memory_info().rss / 2**20,
        "threads": ours.num_threads(),
        "files": ours.num_fds(),
        "receiver_rss_mb": theirs.memory_info().rss / 2**20,
        "receiver_files": theirs.num_fds(),
        "temp_files": sum(len(files) for _, _, files in os.walk(scratch)),
    }


def _print(number: int, week: dict[str, float]) -> None:
    shown = ", ".join(f"{name} {value:.1f}" for name, value in week.items())
    print(f"week {number + 1}: {shown}", flush=True)


def _ends(seen: list[dict[str, float]], name: str) -> tuple[float, float]:
    """The middle of the first weeks once warm, and of the last."""
    found = [week[name] for week in seen if name in week]
    first, last = found[WARM : 2 * WARM + 1] or found[-1:], found[-WARM - 1 :]
    return median(first), median(last)


def report(seen: list[dict[str, float]]) -> None:
    print("\n| what | at the beginning | at the end | ratio |\n|---|--:|--:|--:|")
    for name in dict.fromkeys(name for week in seen for name in week):
        first, last = _ends(seen, name)
        print(f"| {name} | {first:.1f} | {last:.1f} | {last / first if first else 1:.2f} |")


def grew(seen: list[dict[str, float]]) -> list[str]:
    """What is beyond its bound."""
    found = []
    for name, most in BOUNDS.items():
        first, last = _ends(seen, name)
        if last > first + most:
            found.append(f"{name} grew from {first} to {last}")
    for name in ("rss_mb", "receiver_rss_mb"):
        first, last = _ends(seen, name)
        if last > first + MOST_RSS_MB_A_WEEK * len(seen):
            found.append(f"{name} grew from {first:.0f} to {last:.0f}")
    for name in {"whole_close", "close", "pay"} & set().union(*seen):
        first, last = _ends(seen, name)
        if last > MOST_SLOWER * first:
            found.append(f"{name} took {first:.1f} s at first and {last:.1f} s at last")
    return found


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
