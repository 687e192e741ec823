"""A cluster of Debian's on loopback that answers over TLS alone, certified by a CA of ours."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres import away_from_disks

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
OPTIONS = "-c listen_addresses=localhost -c unix_socket_directories= -c fsync=off -c ssl=on -p "
SECRET = "word-of-a-server"  # noqa: S105 - of a server that is gone in a minute
ONLY_TLS = "".join(f"hostssl all all {a} scram-sha-256\n" for a in ("127.0.0.1/32", "::1/128"))


@dataclass(frozen=True)
class Server:
    """A cluster on loopback, run by another user where we are root."""

    folder: Path
    port: int

    def url(
        self,
        login: str,
        database: str = "payouts",
        *,
        host: str = "localhost",
        ca: str = "ca.pem",
        mode: str = "verify-full",
    ) -> str:
        """Of the server that the certificate names, unless another is asked for."""
        known = f"sslmode={mode}&sslrootcert={self.folder / ca}"
        return f"postgresql://{login}:{SECRET}@{host}:{self.port}/{database}?{known}"

    def run(self, program: str, *arguments: object) -> None:
        info = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        as_root = {"user": info.pw_uid, "group": info.pw_gid, "extra_groups": []}
        subprocess.run(
            [PROGRAMS[0] / program, *map(str, arguments)],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            check=True,
            **(as_root if os.geteuid() == 0 else {}),  # type: ignore[arg-type]
        )


@contextmanager
def external_server() -> Iterator[Server]:
    """With databases `payouts` and `other` of owners of these names, and one for a history."""
    if not PROGRAMS:
        pytest.skip(
            "no /usr/lib/postgresql/*/bin: apt-get install postgresql, to test an external server"
        )
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="settle-external-", dir=away_from_disks()))
        stack.callback(shutil.rmtree, folder)
        folder.chmod(0o777)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        server = Server(folder, port)
        (folder / "word").write_text(SECRET)
        server.run("initdb", "-A", "scram-sha-256", "-U", "postgres", "--pwfile", folder / "word",
                   "-E", "UTF8", "--locale", "C", "-D", folder / "data")  # fmt: skip
        make_certificates(folder)
        (folder / "data" / "pg_hba.conf").write_text(ONLY_TLS)
        start = ("-w", "-l", folder / "log", "-o", f"{OPTIONS}{port}", "-D", folder / "data")
        server.run("pg_ctl", "start", *start)
        stack.callback(server.run, "pg_ctl", "stop", "-m", "immediate", "-D", folder / "data")
        with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as superuser:
            for name in ("payouts", "other", "history"):
                may = "createrole" if name != "history" else ""
                superuser.execute(f"create role {name} login {may} password '{SECRET}'".encode())
                superuser.execute(f"create database {name} owner {name}".encode())
        yield server


def make_certificates(folder: Path) -> None:
    """Of the CA that the URLs name, of the server under it, and of a CA nobody asked for."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "rsa:2048", "-nodes")
    for name in ("ca", "other"):
        openssl("req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem",
                "-subj", f"/CN={name}", "-days", "2")  # fmt: skip
    openssl("req", "-x509", *key, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout",
            "data/server.key", "-out", "data/server.crt", "-subj", "/CN=localhost", "-days", "2",
            "-addext", "subjectAltName=DNS:localhost", "-addext",
            "basicConstraints=critical,CA:FALSE")  # fmt: skip
    for file in ("server.key", "server.crt", "pg_hba.conf"):
        path = folder / "data" / file
        path.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(path, "nobody")
