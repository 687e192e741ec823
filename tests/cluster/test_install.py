"""`settle db start` on a Citus cluster: who may log in where, and what the doctor says of it."""

import psycopg
import pytest
from psycopg import sql

from orchestrator.config import Component
from orchestrator.database.connection import connect
from orchestrator.database.migrate import prepare_database
from orchestrator.errors import SettleError
from tests.cluster.nodes import OWNER, SECRET, Cluster, Node, faults

ROLES = ["settle_dbt", "settle_owner", "settle_reader"]
MAY_LOG_IN = "select array_agg(rolname::text order by rolname) from pg_roles where rolcanlogin and"


def who_may_log_in(node: Node) -> list[str]:
    """Of the group roles."""
    [(found,)] = node.run("postgres", f"{MAY_LOG_IN} rolname = any('{{{','.join(ROLES)}}}')")
    return found or []


def said_of(cluster: Cluster, place: str) -> str:
    [problem] = [problem for _, node, problem in faults(cluster) if node == place]
    return str(problem)


def test_an_owner_who_may_not_prepare_the_nodes_is_told_what_to_run(bare_cluster: Cluster) -> None:
    functions = "function run_command_on_workers, master_run_on_worker"
    bare_cluster.run(f"revoke execute on {functions} from {OWNER} cascade")
    with pytest.raises(SettleError) as refused:
        prepare_database(bare_cluster.settings(), is_asked=True)
    assert str(refused.value) == (
        f"this is a Citus cluster, and {OWNER} may not prepare its nodes: as the administrator"
        f" grant execute on {functions} to {OWNER} with grant option"
    )
    bare_cluster.run(f"grant execute on {functions} to {OWNER} with grant option")


def test_group_roles_log_in_on_workers_alone(cluster: Cluster) -> None:
    assert who_may_log_in(cluster.coordinator) == []
    assert all(who_may_log_in(worker) == ROLES for worker in cluster.workers[:-1])
    assert faults(cluster) == []


def test_nobody_but_the_nodes_opens_a_worker(cluster: Cluster) -> None:
    """Neither a group role nor a login with its password: pg_hba.conf asks for a node's key."""
    worker = cluster.workers[0]
    rest = {k: v for k, v in worker.rest.items() if k in ("sslmode", "sslrootcert")}
    address = {**rest, "host": worker.host, "port": worker.port, "dbname": cluster.database}
    for login in (*ROLES, OWNER, "cluster_orchestrator"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**address, user=login, password=SECRET)


def test_a_nodes_key_opens_no_login_on_the_coordinator(cluster: Cluster) -> None:
    """Else code in a model, read by whoever may freeze, would call back as them on a worker."""
    here = cluster.coordinator
    for login in (*ROLES, OWNER, "cluster_orchestrator"):
        as_login = Node(here.host, here.port, {**here.rest, "user": login, "passfile": "/dev/null"})
        with pytest.raises(psycopg.OperationalError):
            as_login.run(cluster.database, "select 1")


@pytest.mark.parametrize("component", [c for c in Component if c is not Component.OWNER])
def test_no_login_runs_commands_on_nodes(cluster: Cluster, component: Component) -> None:
    """A second session would be neither read-only nor the caller's."""
    for call in (
        "select * from run_command_on_workers('select 1')",
        "select * from run_command_on_coordinator('select 1')",
        "select * from run_command_on_all_nodes('select 1')",
    ):
        with (
            psycopg.connect(cluster.settings().urls[component]) as login,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            login.execute(call)


def test_the_doctor_finds_what_is_undone(cluster: Cluster) -> None:
    off = "set citus.enable_ddl_propagation = off"
    worker, here = cluster.workers[0], cluster.coordinator
    place = f"{worker.host}:{worker.port}"
    worker.run("postgres", off, "alter role settle_reader nologin")
    here.run(cluster.database, off, "alter role settle_dbt login")
    cluster.run("grant execute on function run_command_on_coordinator to public")
    assert said_of(cluster, place) == "settle_reader may not log in there: run settle db start"
    worker.run("postgres", off, "alter role settle_owner nologin")
    assert said_of(cluster, place).startswith("the coordinator cannot ask it (failed to connect")
    prepare_database(cluster.settings(), is_asked=True)
    [login, command] = sorted(problem for _, _, problem in faults(cluster))
    assert login.startswith("anybody may call run_command_on_coordinator(text,boolean)")
    assert command.startswith("settle_dbt may log in")
    here.run(cluster.database, off, "alter role settle_dbt nologin")
    cluster.run("revoke execute on function run_command_on_coordinator from public")
    assert faults(cluster) == []


def test_a_worker_that_is_added_later_gets_the_same_roles(cluster: Cluster) -> None:
    worker = cluster.workers[-1]
    cluster.add(worker)
    try:
        assert who_may_log_in(worker) == ROLES
        assert faults(cluster) == []
    finally:
        cluster.run(
            sql.SQL("select citus_remove_node({}, {})").format(worker.host, int(worker.port))
        )


def test_an_upgrade_in_place_changes_nothing_that_is_up_to_date(cluster: Cluster) -> None:
    prepare_database(cluster.settings(), is_asked=True)
    with connect(cluster.settings(), Component.OWNER) as owner:
        owner.execute("set role settle_owner")
        owner.execute("update finance.applied_functions set sha256 = 'of another version'")
    prepare_database(cluster.settings(), is_asked=True)
    assert faults(cluster) == []
