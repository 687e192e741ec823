"""Whose wallets are checked is what the owner's own table keeps, whatever the models' names say."""

import pytest

from orchestrator import project_variables
from orchestrator.settlement.check_wallets import check_new_wallets
from tests.functions.dbt_stand_ins import SELLER
from tests.functions.market import DUE, LINES, Market
from tests.functions.payment_server import DBT, OWNER

TRAP = """
set role settle_dbt;
create function settlement.trap() returns text language plpgsql as $trap$
begin
    insert into finance.wallet_checks (wallet_address, is_valid, detail)
    values ('forged', true, '');
    return 'forged';
end $trap$;
create view settlement.sellers as select settlement.trap() as wallet_address;
grant select on settlement.sellers to public;
grant execute on function settlement.trap() to public
"""


def test_a_variable_leads_no_writing_session_to_a_view_of_dbts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The orchestrator read the table that the project's variables name, and could write there."""
    with Market.open(is_fresh=True) as market:
        seller = {"seller": "s1", "wallet": LINES[0].wallet, "starts": DUE}
        market.rows(OWNER, SELLER, **seller)
        with market.connect(DBT) as dbt:
            dbt.execute(TRAP.encode())
        given = project_variables.project_variables()
        hostile = given | {"marketplace_schema": "settlement", "sellers_table": "sellers"}
        monkeypatch.setattr(project_variables, "project_variables", lambda: hostile)
        assert check_new_wallets(market.settings) == 1
        found = market.rows("dora", "select wallet_address from finance.wallet_checks")
        assert found == [{"wallet_address": LINES[0].wallet}]
