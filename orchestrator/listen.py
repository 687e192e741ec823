"""A listening socket of ours, or one clear line that says who cannot have which port."""

import socket

from orchestrator.errors import SettleError


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind before anything else starts: a port in use is said at once. Port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise SettleError(
            f"cannot listen on {host}:{port} ({error.strerror}):"
            " stop what runs there, or choose another port with --port"
        ) from None
    return listener
