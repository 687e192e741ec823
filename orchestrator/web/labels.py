"""What the database's short names mean, in the words of the people who read the pages."""

# Why a seller's money waits, and what they can do about it.
HOLDS = {
    "nothing_due": "There is nothing to pay out for this week.",
    "negative_balance": "Your balance is below zero; what is released next makes up for it first.",
    "seller_suspended": "Your shop is suspended. Please write to support.",
    "seller_closed": "Your shop is closed; a person looks at the last payout first.",
    "not_verified": "Your identity is not verified yet. Please finish the verification.",
    "no_rail": "There is no payout method for your region yet. Please write to support.",
    "wallet_missing": "You have not given a wallet address. Add one in your settings.",
    "wallet_unchecked": "Your new wallet address is being checked; this takes an hour or two.",
    "wallet_invalid": "Your wallet address does not fit your payout network. Please correct it.",
    "wallet_blocked": "This wallet address cannot be paid. Please write to support.",
    "wallet_shared": "Another shop uses the same wallet address; a person looks at it first.",
    "wallet_changed": "Your wallet address changed a short while ago. To keep your money safe from"
    " somebody else's change, it waits for a person or for the next week.",
    "outcome_conflict": "An earlier payout is being checked; a person looks at it first.",
    "repeated_failure": "The last three payouts failed. Please check your wallet address; a person"
    " looks at it before the next one.",
    "manual_review": "A person looks at this payout before it goes out.",
    "above_maximum": "The amount is unusually large; a person looks at it before it goes out.",
    "below_minimum": "The amount is below the smallest payout of your network. It is added to the"
    " next one.",
}
# What came of a payout.
STATES = {
    "submitted": "On its way",
    "completed": "Paid",
    "failed": "Failed, being checked",
}
FAILURES = {
    "invalid_destination": "The network does not accept your wallet address. Please check it.",
    "network_error": "The network dropped the transaction. You need not do anything.",
}
FAILED = "The network did not take the payout. If it happens again, check your wallet address."
FAILED_IS_BACK = "The amount is back in your balance and goes out with the next payout."
FAILED_IS_CHECKED = "Once the network confirms that, the amount is back in your balance."
ENTRIES = {
    "order": "Order",
    "fee": "Fee",
    "refund": "Refund",
    "dispute_opened": "Dispute opened",
    "dispute_won": "Dispute won",
    "adjustment": "Adjustment",
    "completed_after_all": "Paid before after all",
}
EXPLORERS = {
    "TRC-20": "https://tronscan.org/#/transaction/",
    "ERC-20": "https://etherscan.io/tx/",
    "SPL": "https://solscan.io/tx/",
}
