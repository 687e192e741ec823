"""Who may enter the finance console, and for how long."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect
from orchestrator.web.desk.sessions import IDLE_S, LONGEST_S, Sessions
from tests.simulation.databases import name_of
from tests.support.closed_week import ANALYST, FINANCE, SECOND, WINDOW
from tests.web.desk_site import CSRF, PAGES, DeskSite, Person, desk_site


@pytest.fixture(scope="module")
def shared() -> Iterator[DeskSite]:
    with desk_site() as site:
        yield site


def test_pages_without_a_session_redirect_to_the_login(shared: DeskSite) -> None:
    with Person(shared.url) as stranger:
        for page in PAGES:
            answer = stranger.get(page)
            assert (answer.url.path, answer.status_code) == ("/desk/login", 200)
        stranger.cookies.set("settle_desk", "x.y", path="/desk")
        assert stranger.get("/desk").url.path == "/desk/login"
        assert stranger.post("/desk/do/pause", data={"note": "x"}).url.path == "/desk/login"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (FINANCE, "wrong"),
        ("nobody", "x"),
        ("", ""),
        ("ana\0", "x"),
        *((login, None) for login in ("orchestrator", "dbt", "portal", "webhook", "settle_admin")),
    ],
)
def test_wrong_passwords_and_component_logins_are_rejected(
    shared: DeskSite, name: str, password: str | None
) -> None:
    if password is None:
        password = shared.desk.week.server.password(name)
    with Person(shared.url) as person:
        person.headers["X-Forwarded-For"] = f"203.0.113.{len(name)}"  # each from its own place
        answer = person.log_in(name, password)
        assert answer.status_code == 401
        assert "no access to the console" in answer.text
        assert "settle_desk" not in person.cookies


def test_who_decides_and_has_no_login_to_read_with_is_told(shared: DeskSite) -> None:
    reader, change = f"{SECOND}_reads", "alter role {}_reads {}"
    right = shared.desk.week.server.password(SECOND)
    with (
        connect(shared.desk.settings, Component.OWNER, autocommit=True) as owner,
        Person(shared.url) as person,
    ):
        owner.execute(change.format(SECOND, "nologin").encode())
        try:
            answer = person.log_in(SECOND, right)
        finally:
            owner.execute(change.format(SECOND, "login").encode())
        assert answer.status_code == 403
        assert f"Your login for reading, {reader}, is not there or has another password" in (
            answer.text
        )
        assert f"settle user add {SECOND} --group finance" in answer.text


def test_a_login_that_writes_dates_in_another_way_reads_every_page(shared: DeskSite) -> None:
    change = f"alter role {ANALYST} in database {name_of(shared.desk.settings)} set datestyle ="
    with connect(shared.desk.settings, Component.OWNER, autocommit=True) as owner:
        owner.execute(f"{change} 'German'".encode())
        try:
            with shared.person(ANALYST) as person:
                for page in ("/desk", "/desk/books", f"/desk/windows/{WINDOW}"):
                    assert person.get(page).status_code == 200
        finally:
            owner.execute(f"{change} default".encode())


def test_failed_logins_rate_limit_only_the_offender(shared: DeskSite) -> None:
    with Person(shared.url) as guesser, Person(shared.url) as colleague:
        guesser.headers["X-Forwarded-For"] = "198.51.100.7"
        right = shared.desk.week.server.password(SECOND)
        statuses = [guesser.log_in(SECOND, str(n)).status_code for n in range(7)]
        assert statuses == [401] * 5 + [429] * 2
        assert guesser.log_in(SECOND, right).status_code == 429  # from there not even the right one
        colleague.headers["X-Forwarded-For"] = "198.51.100.8"
        assert colleague.log_in(SECOND, right).url.path == "/desk"


def test_failed_logins_of_many_names_rate_limit_the_address(shared: DeskSite) -> None:
    def guess(name: str) -> int:
        with Person(shared.url) as guesser:
            guesser.headers["X-Forwarded-For"] = "198.51.100.9"
            return guesser.log_in(name, "x").status_code

    with ThreadPoolExecutor(8) as pool:  # at once: no more get through than one after another
        statuses = sorted(pool.map(guess, [f"name{n}" for n in range(30)]))
    assert statuses == [401] * 20 + [429] * 10


def test_session_cookie_is_scoped_and_holds_no_credentials(shared: DeskSite) -> None:
    with Person(shared.url) as person:
        person.follow_redirects = False
        answer = person.log_in(FINANCE, shared.desk.week.server.password(FINANCE))
        cookie = answer.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/desk", "Max-Age=28800"):
        assert part in cookie
    assert shared.desk.week.server.password(FINANCE) not in cookie
    assert FINANCE not in cookie


def test_logout_ends_the_session(shared: DeskSite) -> None:
    with shared.person(FINANCE) as ana:
        token = CSRF.search(ana.get("/desk").text)
        assert token
        kept = ana.cookies["settle_desk"]
        assert ana.post("/desk/logout", data={"csrf": token[1]}).url.path == "/desk/login"
        ana.cookies.set("settle_desk", kept, path="/desk")
        assert ana.get("/desk").url.path == "/desk/login"


def test_sessions_expire_when_idle_and_after_their_longest_time() -> None:
    now = 0.0
    sessions = Sessions(clock=lambda: now)
    cookie = sessions.begin("ana", "secret", may_decide=True)
    assert "secret" not in repr(sessions.find(cookie))
    now = IDLE_S
    assert sessions.find(cookie)
    now += IDLE_S + 1
    assert sessions.find(cookie) is None
    cookie = sessions.begin("ana", "secret", may_decide=True)
    begun = now
    while now < begun + LONGEST_S:
        assert sessions.find(cookie)
        now += IDLE_S
    now += 1
    assert sessions.find(cookie) is None
    number, _, signature = cookie.rpartition(".")
    for odd in ("", ".", number, f"{number}.", f"{number}.{signature[::-1]}", f"é.{signature}"):
        assert sessions.find(odd) is None
