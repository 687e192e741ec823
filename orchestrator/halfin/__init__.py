"""The halfin client: sends bytes as given, retries what is safe, and never guesses an outcome."""

from orchestrator.halfin.assumptions import BATCH_PATH, CURRENCY_NETWORKS
from orchestrator.halfin.client import PAGE_ROWS, HalfinClient
from orchestrator.halfin.credentials import key_environment
from orchestrator.halfin.responses import RailResponse

__all__ = [
    "BATCH_PATH",
    "CURRENCY_NETWORKS",
    "PAGE_ROWS",
    "HalfinClient",
    "RailResponse",
    "key_environment",
]
