"""What halfin does not document publicly: assumed here, and nowhere else in Python.

The database reads answers under the same assumptions, in functions/reading_answers.sql.
"""

BATCH_PATH = "/v1/payouts/batch"  # POST creates a batch, GET {path}/{id} returns its current state
CURRENCY_NETWORKS = {  # the currency code of each rail, and what a payout calls its network
    "USDT_TRC20": "TRON",
    "USDT_ERC20": "ETHEREUM",
    "USDT_SPL": "SOLANA",
}
