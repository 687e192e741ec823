-- The reasons that hold a payout, the first that applies first. A new one is a row here and a condition
-- where it arises: models/core/holds/int_holds.sql at the close, current_holds.sql after it.
insert into finance.hold_reasons (hold_rank, reason, is_live, is_releasable, seller_message)
values
(1, 'nothing_due', false, false, 'There is nothing to pay out for this week.'),
(2, 'negative_balance', false, false, 'Your balance is below zero; the next sales offset it first.'),
(3, 'seller_suspended', true, false, 'Your shop is suspended. Please write to support.'),
(4, 'seller_closed', true, true, 'Your shop is closed; we review its last payout before it is sent.'),
(5, 'not_verified', true, false, 'Your identity is not verified yet. Please finish the verification.'),
(6, 'no_rail', false, false, 'No payout method is available for your region yet. Please write to support.'),
(7, 'wallet_missing', false, false, 'You have not set a wallet address. Add one in your settings.'),
(8, 'wallet_unchecked', false, false, 'Your new wallet address is being checked; this takes an hour or two.'),
(9, 'wallet_invalid', false, false, 'Your wallet address does not fit your payout network. Please correct it.'),
(10, 'wallet_blocked', true, false, 'We cannot pay to this wallet address. Please write to support.'),
(11, 'wallet_shared', false, true, 'Another shop uses the same wallet address; we review this before paying.'),
(12, 'wallet_changed', true, true, 'Your wallet address changed recently. In case it was not you, the payout waits for our review or for the next week.'),
(13, 'outcome_conflict', true, false, 'We are checking an earlier payout; this one waits for the result.'),
(14, 'repeated_failure', false, true, 'The last three payouts failed. Please check your wallet address; we review it before the next payout.'),
(15, 'manual_review', true, true, 'We review this payout before it is sent.'),
(16, 'above_maximum', false, true, 'The amount is unusually large; we review it before it is sent.'),
(17, 'seller_paused', false, false, 'You paused your payouts. The amount is kept for you until you resume them.'),
(18, 'not_scheduled', false, false, 'You are paid once a month, with the first week whose Sunday lies in the month. The amount is added to that payout.'),
(19, 'below_seller_minimum', false, false, 'The amount is below the minimum that you set. It is added to your next payout.'),
(20, 'below_minimum', false, true, 'The amount is below the minimum payout of your network. It is added to your next payout.')
on conflict (reason) do update set
    hold_rank = excluded.hold_rank,
    is_live = excluded.is_live,
    is_releasable = excluded.is_releasable,
    seller_message = excluded.seller_message;
