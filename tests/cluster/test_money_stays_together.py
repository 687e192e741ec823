"""What decides about money is on the coordinator alone: one transaction of one server."""

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.cluster.nodes import Cluster
from tests.cluster.weeks import spread

# Distributed and reference tables alike: a write to either is on several nodes.
ON_OTHER_NODES = """
select c.oid::regclass::text
from pg_class as c
inner join pg_dist_partition as p on p.logicalrelid = c.oid
inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname in ('finance', 'halfin', 'portal', 'handover')
order by 1
"""
# What a close stores of facts, and what a build hands over to be stored.
EVIDENCE = [
    "finance.window_close_entries",
    "finance.window_close_facts",
    "handover.close_entries",
    "handover.close_facts",
]
WRITERS = """
select p.proname
from pg_proc as p
inner join pg_namespace as n on p.pronamespace = n.oid
where
    n.nspname in ('finance', 'portal')
    and p.prosrc ~ '(insert into|update|delete from) finance\\.window_close_(entries|facts)'
order by 1
"""


def test_no_table_of_a_decision_a_batch_or_an_outcome_is_on_another_node(cluster: Cluster) -> None:
    spread(cluster.settings())
    with connect(cluster.settings(), Component.OWNER) as owner:
        assert [name for (name,) in owner.execute(ON_OTHER_NODES)] == EVIDENCE


def test_a_close_alone_writes_evidence(cluster: Cluster) -> None:
    with connect(cluster.settings(), Component.OWNER) as owner:
        found = {name for (name,) in owner.execute(WRITERS)}
    assert "store_entries" in found
    assert found <= {"store_close", "store_entries"}
