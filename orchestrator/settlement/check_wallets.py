"""Check the addresses that no build has seen yet, and land the verdicts as a source for dbt."""

from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.project_variables import source_table
from orchestrator.settlement.wallets import check_wallet

NEW_ADDRESSES = """
select distinct btrim(sellers.wallet_address) as wallet_address
from {} as sellers
where btrim(sellers.wallet_address) <> ''
and not exists (
    select from finance.wallet_checks as checks
    where checks.wallet_address = btrim(sellers.wallet_address) collate "C"
)
"""
INSERT = """
insert into finance.wallet_checks (wallet_address, address_format, is_valid, detail)
values (%s, %s, %s, %s)
on conflict do nothing
"""


def check_new_wallets(settings: Settings) -> int:
    """Returns how many addresses were new. An address that no check has seen holds its seller."""
    with connect(settings, Component.ORCHESTRATOR) as database:
        database.execute("select finance.sight_wallets()")
        query = sql.SQL(NEW_ADDRESSES).format(sql.Identifier(*source_table("sellers")))
        addresses = [row[0] for row in database.execute(query)]
        checks = ((a, check_wallet(a)) for a in addresses)
        with database.cursor() as cursor:
            cursor.executemany(INSERT, [(a, c.format, c.is_valid, c.detail) for a, c in checks])
    return len(addresses)
