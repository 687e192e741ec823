"""Both samples on a cluster: the public views show the figures worked out elsewhere."""

from datetime import datetime
from pathlib import Path

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.builds import AS_OF_SCHEMA
from orchestrator.loading.load import load_directory
from tests.cluster.nodes import Cluster
from tests.cluster.weeks import build_back_then, spread
from tests.models.hostile_sample import assert_equal
from tests.models.test_olist import BACK_THEN, VIEWS
from tests.models.test_olist import assert_equal as assert_view_equal
from tests.models.worlds import insert
from tests.reference.csv_files import read_facts
from tests.reference.samples import INSTANTS
from tests.support.settings import HOSTILE, at

LOADED = datetime.fromisoformat("2021-03-01T00:00:00Z")


@pytest.fixture(scope="module")
def filled(cluster: Cluster) -> Settings:
    """The hostile sample, on the workers, after the end of both."""
    settings = at(cluster.settings(), LOADED)
    if HOSTILE.is_dir():
        insert(settings, read_facts(HOSTILE))
    spread(settings)
    return settings


@pytest.mark.parametrize("name", ["2021-01-04", "berlin-2021-02-10"])
def test_the_hostile_sample(filled: Settings, name: str) -> None:
    if not HOSTILE.is_dir():
        pytest.skip(f"no hostile sample at {HOSTILE}: the expected figures were not compared")
    zone = "Europe/Berlin" if name.startswith("berlin") else "UTC"
    build_back_then(filled, datetime.fromisoformat(INSTANTS[name]), zone, distributed=True)
    assert_equal(filled, AS_OF_SCHEMA, HOSTILE / "expected" / name)


@pytest.mark.slow
def test_the_real_sample(filled: Settings, olist: Path) -> None:
    """Loaded last, as it is years before the other: as of its instant there is nothing else."""
    with connect(filled, Component.OWNER) as owner:
        load_directory(owner, olist)
    build_back_then(filled, BACK_THEN, "America/Sao_Paulo", distributed=True)
    for view in VIEWS:
        assert_view_equal(filled, AS_OF_SCHEMA, view, olist / "expected" / "sao_paulo-2018-02-27")
