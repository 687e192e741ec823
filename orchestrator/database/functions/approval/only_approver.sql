-- Whoever lets a seller be paid again (releases, lifts, closes, says what became of a line) is not the
-- only one who approves that payment.

create or replace function finance.has_line_since(p_seller text, p_at timestamptz) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from finance.payout_lines as l
        where l.seller_id = p_seller and l.state <> 'rejected' and l.frozen_at > p_at
    )
$$;
comment on function finance.has_line_since(text, timestamptz) is
'Whether a line of the seller was frozen after the instant; rejected lines do not count.';

create or replace function finance.only_approver_obstacle(
    p_approver text, p_window text, p_sellers finance.seller_position[]
) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_starts_at constant timestamptz := (
        select c.window_starts_at from finance.window_closes as c where c.payout_window = p_window
    );
    v_did text;
begin
    v_did := case
        when exists (
            select from finance.hold_releases as x
            inner join finance.hold_reasons as k on x.reason = k.reason
            inner join unnest(p_sellers) as h on x.seller_id = h.seller_id
            where x.released_by = p_approver and cardinality(h.hold_reasons) = 0
            -- Of this window, or one that lasts and under which nothing was paid yet.
            and (x.payout_window = p_window or (
                k.is_lasting
                and finance.wallet_account(x.wallet_address) = finance.wallet_account(h.wallet_address)
                and not finance.has_line_since(x.seller_id, x.released_at)
            ))
        ) or exists (
            -- A hold that a person set is lifted for good, in whichever window that was.
            select from finance.seller_holds as k
            inner join unnest(p_sellers) as h on k.seller_id = h.seller_id
            where k.lifted_by = p_approver and cardinality(h.hold_reasons) = 0
            and not finance.has_line_since(k.seller_id, k.lifted_at)
        )
            then format('released a held seller of %s', p_window)
        when exists (
            select from finance.wallet_blocks as k
            inner join unnest(p_sellers) as h
                on k.account = finance.wallet_account(h.wallet_address)
            where k.lifted_by = p_approver and cardinality(h.hold_reasons) = 0
            -- Not since to this wallet.
            and not exists (
                select from finance.payout_lines as o
                where o.seller_id = h.seller_id and o.wallet_address = h.wallet_address
                and o.state <> 'rejected' and o.frozen_at > k.lifted_at
            )
        )
            then format('lifted the block of a wallet that %s pays', p_window)
        when exists (
            select from finance.break_closings as c
            inner join finance.breaks as b on c.break_id = b.break_id and b.closed_at is not null
            inner join finance.payout_lines as l on b.subject = l.line_id
            inner join unnest(p_sellers) as h on l.seller_id = h.seller_id
            where c.closed_by = p_approver and cardinality(h.hold_reasons) = 0
            -- In this window or since, or long ago and the seller was not paid since.
            and (
                b.closed_at >= v_starts_at or not finance.has_line_since(l.seller_id, b.closed_at)
            )
        )
            then format('closed the break of a held seller of %s', p_window)
        -- What two people called not paid, or sent back, is paid again by the next line.
        when exists (
            select from finance.line_resolutions as r
            inner join finance.payout_lines as l
                on r.line_id = l.line_id and l.returned_at is not null and l.retaken_at is null
            inner join unnest(p_sellers) as h on l.seller_id = h.seller_id
            where r.resolved_by = p_approver and cardinality(h.hold_reasons) = 0
            and r.outcome <> 'completed' and finance.is_resolved_as(l.line_id, r.outcome)
            and not finance.has_line_since(l.seller_id, r.resolved_at)
        )
            then format('resolved a line of a seller whom %s pays again', p_window)
        -- So is a call that two people declared rejected.
        when exists (
            select from finance.batch_rejections as r
            inner join finance.payout_lines as l
                on r.batch_id = l.batch_id and l.returned_at is not null and l.retaken_at is null
            inner join finance.payout_calls as c
                on l.batch_id = c.batch_id and l.call_sequence = c.sequence and c.state = 'rejected'
            inner join unnest(p_sellers) as h on l.seller_id = h.seller_id
            where r.declared_by = p_approver and cardinality(h.hold_reasons) = 0
            and r.declared_at >= finance.last_attempt_at(r.batch_id, null)
            -- What the rail itself refused nobody had to say.
            and finance.classify_call(c, finance.decisive_attempt(c.batch_id, c.sequence))
            is distinct from 'rejected'
            and not finance.has_line_since(l.seller_id, r.declared_at)
        )
            then format('said that the rail does not have what %s pays again', p_window)
    end;
    return p_approver || ' ' || v_did || ' and is its only approver: somebody else must approve too';
end;
$$;
comment on function finance.only_approver_obstacle(text, text, finance.seller_position[]) is
'What the only approver of a window did that let one of the sellers it pays be paid, in one message; null where nothing. Of p_sellers those count that nothing holds.';
