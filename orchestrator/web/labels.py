"""What the database's short names mean, for sellers."""

# Why a payout is on hold, and what the seller can do about it.
HOLDS = {
    "nothing_due": "There is nothing to pay out for this week.",
    "negative_balance": "Your balance is below zero; the next sales offset it first.",
    "seller_suspended": "Your shop is suspended. Please write to support.",
    "seller_closed": "Your shop is closed; we review its last payout before it is sent.",
    "not_verified": "Your identity is not verified yet. Please finish the verification.",
    "no_rail": "No payout method is available for your region yet. Please write to support.",
    "wallet_missing": "You have not set a wallet address. Add one in your settings.",
    "wallet_unchecked": "Your new wallet address is being checked; this takes an hour or two.",
    "wallet_invalid": "Your wallet address does not fit your payout network. Please correct it.",
    "wallet_blocked": "We cannot pay to this wallet address. Please write to support.",
    "wallet_shared": "Another shop uses the same wallet address; we review this before paying.",
    "wallet_changed": "Your wallet address changed recently. In case it was not you, the payout"
    " waits for our review or for the next week.",
    "outcome_conflict": "We are checking an earlier payout; this one waits for the result.",
    "repeated_failure": "The last three payouts failed. Please check your wallet address; we review"
    " it before the next payout.",
    "manual_review": "We review this payout before it is sent.",
    "above_maximum": "The amount is unusually large; we review it before it is sent.",
    "below_minimum": "The amount is below the minimum payout of your network. It is added to your"
    " next payout.",
}
# States of a payout.
STATES = {
    "submitted": "On its way",
    "completed": "Paid",
    "failed": "Failed, being checked",
}
FAILURES = {
    "invalid_destination": "The network does not accept your wallet address. Please check it.",
    "network_error": "The network dropped the transaction. You do not need to do anything.",
}
FAILED = "The network did not accept the payout. If it happens again, check your wallet address."
FAILED_IS_BACK = "The amount was credited back to your balance and is part of your next payout."
FAILED_IS_CHECKED = "Once the network confirms this, the amount is credited back to your balance."
ENTRIES = {
    "order": "Order",
    "fee": "Fee",
    "refund": "Refund",
    "dispute_opened": "Dispute opened",
    "dispute_won": "Dispute won",
    "adjustment": "Adjustment",
    "completed_after_all": "Correction: earlier payout completed late",
}
EXPLORERS = {
    "TRC-20": "https://tronscan.org/#/transaction/",
    "ERC-20": "https://etherscan.io/tx/",
    "SPL": "https://solscan.io/tx/",
}
