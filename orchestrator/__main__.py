"""`python -m orchestrator` is `settle`, for paths too long for a script's first line."""

from orchestrator.cli import main

main()
