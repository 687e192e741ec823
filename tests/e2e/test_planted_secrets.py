"""Every secret of an installation is one that would be recognised, and none turns up anywhere.

The programs run for real and go wrong for real; then their output, the files of the home, the
settle database and the history of runs, each dumped as text, and the pages are searched.
"""

import base64
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.embedded_postgres.system_user import programs_for, server_user
from orchestrator.services.processes import service
from orchestrator.web.portal.links import make_token
from tests.halfin.sandbox import http_server
from tests.support.closed_week import NOW
from tests.support.postgres import open_home
from tests.support.secret_canaries import Search
from tests.support.shell import Answer, Shell
from tests.web.desk_site import PAGES, Person

WINDOW = "2026-W46"
pytestmark = pytest.mark.nightly("an installation that lives and goes wrong for minutes")
PLANTED = {
    "the rail's key": "sk_test_" + "c0ffee15bad0" * 5 + "c0de",
    "the webhook secret": "whsec-Canary/of+the=webhooks-0815",
    "the link secret": "lnk-Canary/of+the=sellers-links-4711-xyz",
    "the events secret": "whsec_" + base64.b64encode(b"Canary-of-the-events-0042").decode(),
    "the erasure key": "era-Canary/of+the=pseudonyms-0815-abc",
    "ana's password": "pw-Canary/of+ana:who@approves-2342",
    "a wrong password": "pw-Canary/nobody+has:this@one-9999",
    "the password of a URL": "url-Canary-in-a-database-address-77",
}


@dataclass
class Installation:
    """A home, what ran in it, and all that was said or shown."""

    home: Path
    shown: list[tuple[str, str | bytes]] = field(default_factory=list)

    @property
    def server(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.home)

    @property
    def variables(self) -> dict[str, str]:
        return {
            "SETTLE_NOW": NOW.isoformat(),
            "HALFIN_API_KEY": PLANTED["the rail's key"],
            "HALFIN_WEBHOOK_SECRET": PLANTED["the webhook secret"],
            "SETTLE_LINK_SECRET": PLANTED["the link secret"],
            "SETTLE_EVENTS_SECRET": PLANTED["the events secret"],
            "SETTLE_ERASURE_KEY": PLANTED["the erasure key"],
        }

    def run(self, *arguments: str, **environment: str) -> Answer:
        """`settle`, whatever comes of it; what it said is kept."""
        with Shell(self.home, **self.variables).start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=300)
        self.shown.append((f"settle {' '.join(arguments)}", out + err))
        return Answer(process.returncode, out, err)

    def show(self, what: str, answer: httpx.Response) -> None:
        self.shown.append((what, str(answer.headers).encode() + answer.content))

    def dumped(self, database: str) -> bytes:
        dump = programs_for(server_user()) / "pg_dump"
        url = self.server.url("settle_admin", database)
        return subprocess.run([dump, "--inserts", url], capture_output=True, check=True).stdout

    @property
    def secrets(self) -> dict[str, str]:
        """What was planted, and what the installation made for itself."""
        made = {
            f"the generated {file.name}": file.read_text().strip()
            for file in (self.home / "secrets").iterdir()
            if not file.name.startswith(".")
        }
        return PLANTED | made

    def found(self) -> list[str]:
        search = Search(self.secrets)
        found = list(search.folder(self.home, private=self.home / "secrets"))
        for what, said in self.shown:
            found += search.text(what, said)
        for database in ("settle", "settle_dagster"):
            found += search.text(f"the database {database}", self.dumped(database))
        return found


def echo(request: Request, body: bytes) -> Response:
    """A rail that refuses and repeats the key it was given, in every part of its answer."""
    key = request.headers.get("X-API-Key", "")
    error = {"code": "unauthorized", "message": f"bad key {key}", "details": [key]}
    return Response(f'{{"error": {error}}}'.replace("'", '"'), 401, headers={"X-Request-Id": key})


@pytest.fixture(scope="module")
def lived() -> Iterator[Installation]:
    """A week with everything that may go wrong in it."""
    it = Installation(open_home("planted"))
    password = {"SETTLE_PASSWORD": PLANTED["ana's password"]}
    assert it.run("generate", "--sellers", "6", "--weeks", "3").code == 0
    assert it.run("close").code == 0
    for name, group in (("ana", "finance"), ("eve", "analyst")):
        assert it.run("user", "add", name, "--group", group, **password).code == 0
    digest = it.run("review", WINDOW, "--json").out.partition('"digest": "')[2][:64]
    approve = ("approve", WINDOW, "--digest", digest, "--as")
    assert it.run(*approve, "ana", **{"SETTLE_PASSWORD": PLANTED["a wrong password"]}).code == 1
    assert it.run(*approve, "eve", **password).code == 1
    assert it.run(*approve, "ana", **password).code == 0
    leaky = f"postgresql://ana:{PLANTED['the password of a URL']}@127.0.0.1:1/settle"
    assert it.run("status", SETTLE_DATABASE_URL=leaky, SETTLE_ORCHESTRATOR_URL=leaky).code == 1
    assert it.run("status", SETTLE_DATABASE_URL=leaky.replace(":1/", ":x/y?z=1&")).code == 1
    assert it.run("pay", WINDOW, HALFIN_BASE_URL=leaky.replace("postgresql", "https")).code == 1
    assert it.run("pay", WINDOW, HALFIN_API_KEY=PLANTED["the rail's key"] + "0").code == 1
    assert it.run("sql", "select 1 from nowhere").code == 1
    with http_server(echo) as odd:
        assert it.run("pay", WINDOW, HALFIN_BASE_URL=f"{odd}/api").code == 1
        alerts = {"SETTLE_ALERT_URL": f"{odd}/alerts", "HALFIN_BASE_URL": f"{odd}/api"}
        assert it.run("reconcile", **alerts).code in (0, 1)
        assert it.run("post-events", "--once", SETTLE_EVENTS_URL=f"{odd}/events").code == 1
        for wrong in (PLANTED["the events secret"] + "!", PLANTED["the link secret"]):
            assert it.run("post-events", "--once", SETTLE_EVENTS_SECRET=wrong).code == 1
    serve(it)
    for verb in ("status", "reconcile", "alerts", "breaks", "events"):
        it.run(verb)
    with psycopg.connect(it.server.url("settle_admin"), autocommit=True) as owner:
        owner.execute("alter role dbt set statement_timeout = '1ms'")
    assert it.run("build").code == 1
    yield it
    it.server.stop()
    shutil.rmtree(it.home, ignore_errors=True)


def serve(it: Installation) -> None:
    """The pages and the receiver, with right and wrong passwords, links and signatures; and pay."""
    environment = {**it.variables, "SETTLE_HOME": str(it.home)}
    with service(["serve", "--port", "0"], environment, it.home / "serve.log") as webhooks:
        url = webhooks.removesuffix("/webhooks/halfin")
        sandbox = ["sandbox", "--port", "0", "--webhook-url", webhooks]
        with service(sandbox, environment, it.home / "rail.log") as rail:
            it.run("pay", WINDOW, HALFIN_BASE_URL=rail)
            it.run("reconcile", HALFIN_BASE_URL=rail)
            it.show("the sandbox", httpx.get(rail.removesuffix("/api") + "/", trust_env=False))
        with Person(url) as person:
            it.show("a refused login", person.log_in("ana", PLANTED["a wrong password"]))
            it.show("the login", person.log_in("ana", PLANTED["ana's password"]))
            for page in PAGES:
                it.show(page, person.get(page))
            token = make_token("seller-000001", int(time.time()) + 60, PLANTED["the link secret"])
            for page in ("", "/statement.json", "/orders.json", "/nothing"):
                it.show(f"a seller's {page}", person.get(f"/s/{token}{page}"))
            it.show("a broken link", person.get(f"/s/{token[:-1]}"))
            signed = {"X-Halfin-Signature": "t=1,v1=0"}
            it.show("a webhook", person.post("/webhooks/halfin", content=b"{", headers=signed))


def test_no_secret_turns_up_anywhere(lived: Installation) -> None:
    assert len(lived.shown) > 30
    assert lived.found() == []


@pytest.mark.parametrize("name", PLANTED)
def test_the_search_finds_what_is_there(lived: Installation, name: str, tmp_path: Path) -> None:
    secret, search = PLANTED[name], Search(lived.secrets)
    for text in (
        secret,
        f"password={secret[:12]}...",
        f"postgresql://x:{quote(secret, safe='')}@y/z",
        base64.b64encode(f"login:{secret}".encode()).decode(),
    ):
        assert list(search.text("here", f"before {text} after")), text
    (tmp_path / "run.log").write_text(secret)
    assert list(search.folder(tmp_path, private=tmp_path / "secrets"))
    (tmp_path / "run.log").chmod(0o644)
    assert list(search.folder(tmp_path, private=tmp_path)) == [
        f"{tmp_path / 'run.log'} can be read by others"
    ]
