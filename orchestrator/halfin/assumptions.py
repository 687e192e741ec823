"""What halfin does not document publicly: assumed here, and nowhere else in Python.

The database reads responses under the same assumptions, in
orchestrator/database/functions/reconciliation/parse_response.sql.
"""

BATCH_PATH = "/v1/payouts/batch"  # POST creates a batch, GET {path}/{id} returns its current state
CURRENCY_NETWORKS = {  # the currency code of each rail, and what a payout calls its network
    "USDT_TRC20": "TRON",
    "USDT_ERC20": "ETHEREUM",
    "USDT_SPL": "SOLANA",
}
