"""Secrets that nobody has to set off production: made once, kept in files of their owner."""

import secrets
from pathlib import Path

from orchestrator.config import Environment, Settings
from orchestrator.errors import SettleError


def generated_secret(settings: Settings, variable: str, prefix: str = "") -> str:
    """The secret that stands in for an unset variable, the same for all processes of this home.

    Raises SettleError in production, where a secret comes from outside.
    """
    if settings.environment is Environment.PRODUCTION:
        raise SettleError(f"{variable} is not set: production takes no generated secret")
    folder = settings.home / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _read_or_create(folder / variable.lower(), prefix + secrets.token_hex(32))


def _read_or_create(path: Path, value: str) -> str:
    """Atomic: of two processes that start at once, both read the same value."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    scratch.touch(mode=0o600, exist_ok=False)
    scratch.write_text(value, encoding="ascii")
    try:
        path.hardlink_to(scratch)
    except FileExistsError:
        pass
    finally:
        scratch.unlink()
    return path.read_text(encoding="ascii")
