"""A database of its own on a real Citus cluster, for each test file; docs/testing.md names one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.nodes import URL, Cluster, drop_database, install, make_database, nodes_given


@pytest.fixture(scope="module")
def bare_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """As its administrator leaves it; the last worker is no part of it yet."""
    if not nodes_given():
        pytest.skip(f"{URL} is not set: nothing was tried on a cluster")
    coordinator, *workers = nodes_given()
    home: Path = tmp_path_factory.mktemp("cluster")
    cluster = Cluster(coordinator, tuple(workers), "settle_test", home)
    drop_database(cluster)
    make_database(cluster, len(workers) - 1)
    yield cluster
    drop_database(cluster)


@pytest.fixture(scope="module")
def cluster(bare_cluster: Cluster) -> Cluster:
    """Installed, with logins and no facts."""
    install(bare_cluster)
    return bare_cluster
