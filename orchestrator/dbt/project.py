"""The dbt project: its variables, where it finds its profile, its folders and its database."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.secret_files import make_folder

# What programs need to run at all, and what is dbt's own: a macro reads any variable of its process
# by env_var(), and may write it into a table. dbt keeps DBT_ENV_SECRET_ from macros itself.
HARMLESS = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "TERM", "COLUMNS")
HARMLESS_PREFIXES = ("DBT_", "LC_", "PGSSL", "SSL_CERT_", "COVERAGE_")


def project_files(project: Path = PROJECT_ROOT) -> list[Path]:
    """The files that say what is built, in one order."""
    folders = ("models", "macros", "seeds", "snapshots", "tests/dbt")
    found = [path for folder in folders for path in (project / folder).rglob("*")]
    return [project / "dbt_project.yml", *sorted(path for path in found if path.is_file())]


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The variables that profiles.yml.example reads, and where dbt may write."""
    folder = settings.home / "dbt"
    environment = {
        "DBT_PROFILES_DIR": str(folder),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    parts = conninfo_to_dict(database_url(settings, Component.DBT))
    for variable, part in {
        "SETTLE_DBT_HOST": "host",
        "SETTLE_DBT_PORT": "port",
        "SETTLE_DBT_USER": "user",
        "SETTLE_DBT_DBNAME": "dbname",
        "DBT_ENV_SECRET_SETTLE_PASSWORD": "password",  # dbt keeps this prefix out of its logs
        "SETTLE_DBT_SSLMODE": "sslmode",
        "SETTLE_DBT_SSLROOTCERT": "sslrootcert",
        "SETTLE_DBT_SSLCERT": "sslcert",
        "SETTLE_DBT_SSLKEY": "sslkey",
        # What its profile has no place for libpq reads itself.
        "PGREQUIREAUTH": "require_auth",
        "PGREQUIREPEER": "requirepeer",
        "PGSSLCRL": "sslcrl",
        "PGCHANNELBINDING": "channel_binding",
        "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version",
    }.items():
        if parts.get(part):
            environment[variable] = str(parts[part])
    return environment


def prepare_dbt(settings: Settings) -> dict[str, str]:
    """Put the profile where dbt looks for it; returns the variables that it reads."""
    folder = settings.home / "dbt"
    make_folder(folder, 0o700)
    shutil.copyfile(PROJECT_ROOT / "profiles.yml.example", folder / "profiles.yml")
    return dbt_environment(settings)


@contextmanager
def variables_of_dbt(settings: Settings) -> Iterator[None]:
    """This process has the variables that dbt reads meanwhile, and none that is a secret of others.

    The rail's key and other logins' passwords are nothing that a model may read.
    """
    environment = prepare_dbt(settings)
    before = dict(os.environ)
    try:
        for name in before:
            if name not in HARMLESS and not name.startswith(HARMLESS_PREFIXES):
                del os.environ[name]
        os.environ.update(environment)
        yield
    finally:
        for name in environment:
            os.environ.pop(name, None)
        os.environ.update(before)
