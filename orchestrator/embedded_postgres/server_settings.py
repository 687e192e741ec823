"""How the embedded server is made and set: what every home has, and what depends on the machine."""

import os
from pathlib import Path

from orchestrator.config import Component
from orchestrator.embedded_postgres.socket_folder import PORT
from orchestrator.embedded_postgres.system_user import ServerUser

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
SETTINGS = f"""\
listen_addresses = ''
port = {PORT}
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


def server_settings(socket: Path, user: ServerUser, programs: Path) -> str:
    """All settings: those that are the same everywhere, and what depends on this machine."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    path = str(socket).replace("\\", "\\\\").replace("'", "''").replace('"', '""')
    settings = f"""\
unix_socket_directories = '"{path}"'
shared_buffers = '{min(memory_mb // 4, 1024)}MB'
effective_cache_size = '{memory_mb // 2}MB'
"""
    if "--with-lz4" in user.run(programs / "pg_config", "--configure").stdout:
        settings += "default_toast_compression = lz4\n"
    return SETTINGS + settings
