-- The reasons that hold a payout, the first that applies first. A new one is a row here and a condition
-- where it arises: models/core/holds/int_holds.sql at the close, current_holds.sql after it.
insert into finance.hold_reasons
(hold_rank, reason, is_live, is_releasable, is_lasting, seller_message)
values
(1, 'nothing_due', false, false, false, 'There is nothing to pay out for this week.'),
(2, 'negative_balance', false, false, false, 'Your balance is below zero; the next sales offset it first.'),
(3, 'seller_suspended', true, false, false, 'Your shop is suspended. Please write to support.'),
(4, 'seller_closed', true, true, false, 'Your shop is closed; we review its last payout before it is sent.'),
(5, 'not_verified', true, false, false, 'Your identity is not verified yet. Please finish the verification.'),
(6, 'no_rail', false, false, false, 'No payout method is available for your region yet. Please write to support.'),
(7, 'wallet_missing', false, false, false, 'You have not set a wallet address. Add one in your settings.'),
(8, 'wallet_unchecked', false, false, false, 'Your new wallet address is being checked; this takes up to four hours.'),
(9, 'wallet_invalid', false, false, false, 'Your wallet address does not fit your payout network. Please correct it.'),
(10, 'wallet_not_payable', true, false, false, 'This wallet address belongs to a contract or a program: money sent to it would be lost. Please give your own.'),
(11, 'wallet_blocked', true, false, false, 'We cannot pay to this wallet address. Please write to support.'),
(12, 'wallet_unchecksummed', false, true, true, 'Your wallet address is in one case, so a typo would not show. Please give it in capital and small letters, as your wallet shows it; or we confirm it with you.'),
(13, 'wallet_shared', false, true, true, 'Another shop named this wallet address before you; we review this before paying.'),
(14, 'wallet_changed', true, true, false, 'Your wallet address changed recently. In case it was not you, the payout waits for our review or for the next week.'),
(15, 'outcome_conflict', true, false, false, 'We are checking an earlier payout; this one waits for the result.'),
(16, 'repeated_failure', false, true, false, 'The last three payouts failed. Please check your wallet address; we review it before the next payout.'),
(17, 'manual_review', true, true, false, 'We review this payout before it is sent.'),
(18, 'above_maximum', false, true, false, 'The amount is unusually large; we review it before it is sent.'),
(19, 'seller_paused', false, false, false, 'You paused your payouts. The amount is kept for you until you resume them.'),
(20, 'not_scheduled', false, false, false, 'You are paid once a month, with the first week whose Sunday lies in the month. The amount is added to that payout.'),
(21, 'below_seller_minimum', false, false, false, 'The amount is below the minimum that you set. It is added to your next payout.'),
(22, 'below_minimum', false, true, false, 'The amount is below the minimum payout of your network. It is added to your next payout.')
on conflict (reason) do update set
    hold_rank = excluded.hold_rank,
    is_live = excluded.is_live,
    is_releasable = excluded.is_releasable,
    is_lasting = excluded.is_lasting,
    seller_message = excluded.seller_message;
