"""What decides over money is on the coordinator alone: one transaction of one server."""

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.cluster.nodes import Cluster

# Distributed and reference tables alike: a write to either is on several nodes.
ON_OTHER_NODES = """
select c.oid::regclass::text
from pg_class as c
inner join pg_dist_partition as p on p.logicalrelid = c.oid
inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname in ('finance', 'halfin', 'portal', 'handover')
order by 1
"""
# What a close stores, and what a build hands over to be stored: nothing else writes them.
EVIDENCE = ("finance.window_close_", "handover.close_")


def test_no_table_of_a_decision_a_batch_or_an_outcome_is_on_another_node(cluster: Cluster) -> None:
    with connect(cluster.settings(), Component.OWNER) as owner:
        spread = [name for (name,) in owner.execute(ON_OTHER_NODES)]
        assert [name for name in spread if not name.startswith(EVIDENCE)] == []
        writers = owner.execute(
            "select p.proname from pg_proc as p inner join pg_namespace as n"
            " on p.pronamespace = n.oid where n.nspname = 'finance'"
            " and p.prosrc ~ '(insert into|update|delete from) finance\\.window_close_'"
        )
        assert {name for (name,) in writers} == {"store_close", "store_entries"}
