"""A local halfin over HTTP, to build and rehearse against; it moves no money."""

from orchestrator.halfin_sandbox.config import SandboxConfig
from orchestrator.halfin_sandbox.server import create_app, running, serve

__all__ = ["SandboxConfig", "create_app", "running", "serve"]
