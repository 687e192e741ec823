-- Where something of an erased seller stood, by its pseudonym and its seal.
select
    f.what,
    f.place
from (
    select
        'the wallet of a line' as what,
        l.payout_window as place,
        1 as part
    from finance.payout_lines as l
    where l.seller_id = %(seller)s and l.wallet_address = %(pseudonym)s
    union all
    select
        'the transaction of a line' as what,
        l.payout_window as place,
        2 as part
    from finance.payout_lines as l
    where l.seller_id = %(seller)s and l.tx_hash = %(pseudonym)s
    union all
    select
        'a wallet that they named' as what,
        'since ' || to_char(w.seen_at at time zone 'UTC', 'YYYY-MM-DD') as place,
        3 as part
    from finance.wallet_sightings as w
    where w.seller_id = %(seller)s and w.wallet_address = %(pseudonym)s
    union all
    select
        s.column_name as what,
        concat_ws(' ', s.relation, (s.row_key - 'is_of_lines')::text) as place,
        4 as part
    from finance.erasure_seals as s
    inner join finance.erasures as e on s.erasure_id = e.erasure_id
    where e.seller_id = %(seller)s and s.seal = %(seal)s
) as f
order by f.part, f.place
