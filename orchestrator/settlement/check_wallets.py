"""Check the addresses that no build has seen yet, and land the verdicts as a source for dbt."""

from dataclasses import asdict

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.settlement.wallets import check_wallet

# What sellers have named, as the owner's own table keeps it: a relation that a variable of the
# models' names would run with our right to write.
NEW_ADDRESSES = """
select distinct named.wallet_address
from finance.wallet_sightings as named
where not exists (
    select from finance.wallet_checks as checks
    where checks.wallet_address = named.wallet_address
)
"""
INSERT = """
insert into finance.wallet_checks
(wallet_address, address_format, is_valid, detail, is_payable, is_checksummed)
values (%(address)s, %(format)s, %(is_valid)s, %(detail)s, %(is_payable)s, %(is_checksummed)s)
on conflict do nothing
"""


def check_new_wallets(settings: Settings) -> int:
    """Returns how many addresses were new. An address that no check has seen holds its seller."""
    with connect(settings, Component.ORCHESTRATOR) as database:
        database.execute("select finance.sight_wallets()")
        addresses = [row[0] for row in database.execute(NEW_ADDRESSES)]
        with database.cursor() as cursor:
            cursor.executemany(
                INSERT, [{"address": a} | asdict(check_wallet(a)) for a in addresses]
            )
    return len(addresses)
