"""Settings, read from the environment once per process."""

from pathlib import Path

from orchestrator.config.components import (
    DAGSTER_URL_VARIABLE,
    URL_VARIABLES,
    Component,
    Environment,
)
from orchestrator.config.reading import load_settings, variables
from orchestrator.config.settings import LOCAL_RAIL, RECEIVER_PORT, Settings
from orchestrator.config.values import KEY_PREFIX, PAGES_URL_VARIABLE

PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent

__all__ = [
    "DAGSTER_URL_VARIABLE",
    "KEY_PREFIX",
    "LOCAL_RAIL",
    "PAGES_URL_VARIABLE",
    "PROJECT_ROOT",
    "RECEIVER_PORT",
    "URL_VARIABLES",
    "Component",
    "Environment",
    "Settings",
    "load_settings",
    "variables",
]
