"""The large tables on the workers of a Citus cluster: settle db distribute and rebalance."""

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.database.migrate import prepare_database
from orchestrator.dbt.builds import one_build
from orchestrator.errors import SettleError
from orchestrator.project_variables import is_distributed, source_table

OURS = "marketplace"
LARGE_SOURCES = ("orders", "order_fees", "refunds", "dispute_events", "seller_charges")


def distribute(settings: Settings) -> int:
    """Put the large tables on the workers, by seller; returns how many were not there yet.

    Raises SettleError where the project is not for a cluster, or the database is not
    ready; then nothing was moved.
    """
    if not is_distributed():
        raise SettleError(
            "dbt_project.yml says distributed: false: set it to true, then run settle db distribute"
        )
    for name in LARGE_SOURCES:
        if (place := source_table(name)) != (OURS, name):
            raise SettleError(
                f"{name} are read from {'.'.join(place)}, which is yours: on a cluster facts are in"
                f" {OURS}.{name}; see docs/beyond-one-machine.md"
            )
    prepare_database(settings, is_asked=True)
    with connect(settings, Component.OWNER) as connection:
        connection.execute("set local lock_timeout = '1min'")
        connection.execute("set local role settle_owner")
        [count] = connection.execute("select finance.distribute()").fetchone() or (0,)
    return int(count)


def rebalance(settings: Settings) -> int:
    """Even out what the workers have, as after one was added; returns how many parts moved.

    What moves can be read and not written meanwhile: no build runs beside it.
    """
    prepare_database(settings)
    with (
        one_build(settings),
        connect(settings, Component.OWNER, autocommit=True) as connection,
    ):
        if not connection.execute("select 1 from pg_extension where extname = 'citus'").fetchone():
            raise SettleError("this database has no Citus: there is nothing to rebalance")
        planned = "select count(*) from get_rebalance_table_shards_plan()"
        [count] = connection.execute(planned).fetchone() or (0,)
        # dbt's tables have no key by which Citus could follow writes while it copies.
        connection.execute("select rebalance_table_shards(shard_transfer_mode => 'block_writes')")
    return int(count)
