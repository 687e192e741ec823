"""What `settle diff` prints."""

from collections.abc import Sequence

from orchestrator.cli.options import plain_console
from orchestrator.dbt.diff import MartDiff


def show_diff(diffs: Sequence[MartDiff]) -> None:
    """One line per mart; below one that moves, its sums and the rows that moved most."""
    console = plain_console()
    for mart in diffs:
        if mart.note and not mart.rows_before and not mart.rows_after:
            console.print(f"{mart.name}: {mart.note}")
            continue
        counts = f"{mart.rows_differing} of {mart.rows_after} rows differ"
        if mart.rows_before != mart.rows_after:
            counts += f" (before: {mart.rows_before} rows)"
        console.print(f"{mart.name}: {counts}{f'; {mart.note}' if mart.note else ''}")
        for column, (before, after) in mart.sums.items():
            console.print(f"  sum of {column}: {before} -> {after}")
        for row in mart.top_rows:
            console.print(f"  {row}", soft_wrap=True)
    moved = [mart.name for mart in diffs if mart.rows_differing or mart.note]
    console.print(f"{len(moved)} of {len(diffs)} public views move.")
