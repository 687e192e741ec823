"""What is new in Dagster's minor version, which is pinned: used without its warning."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg


@contextmanager
def previews() -> Iterator[None]:
    """Checks of a partition, and views as virtual assets, are previews."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        yield
