"""The dbt project: its variables, where it finds its profile, its folders and its database."""

import os
import shutil

from psycopg.conninfo import conninfo_to_dict

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.secret_files import make_folder


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
    """Put the profile where dbt looks for it and set its variables in this process."""
    folder = settings.home / "dbt"
    make_folder(folder, 0o700)
    shutil.copyfile(PROJECT_ROOT / "profiles.yml.example", folder / "profiles.yml")
    environment = dbt_environment(settings)
    os.environ.update(environment)
    return environment
