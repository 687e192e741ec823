with

moves as (

    select * from {{ ref('int_book_moves') }}

),

rail_fees as (

    select * from {{ ref('int_rail_fees') }}

),

accounts as (

    select * from {{ ref('journal_accounts') }}

),

posted as (

    select
        available_in as posted_in,
        payout_window,
        move_type as kind,
        move_detail as detail,
        amount_minor
    from moves

    union all

    -- What is known and not yet available is in reserve: in from the one, out from the other.
    select
        steps.posted_in,
        moves.payout_window,
        'reserve' as kind,
        '' as detail,
        steps.sign * moves.amount_minor as amount_minor
    from moves
    inner join lateral (
        values
        (date_trunc('month', moves.moved_on)::date, 1),
        (moves.available_in, -1)
    ) as steps (posted_in, sign) on true
    where moves.move_type in ({{ entry_columns() | map(attribute=2) | join(', ') }})

    union all

    select
        charged_in as posted_in,
        payout_window,
        'rail_fee' as kind,
        rail as detail,
        amount_minor
    from rail_fees

),

summed as (

    select
        posted_in,
        payout_window,
        kind,
        detail,
        sum(amount_minor) as amount_minor
    from posted
    where posted_in <= {{ settlement_month(status_as_of()) }}
    group by posted_in, payout_window, kind, detail
    having sum(amount_minor) <> 0

),

-- A detail without accounts of its own is booked as its kind is.
booked as (

    select
        summed.*,
        coalesce(of_detail.debit_account, of_kind.debit_account) as debit_account,
        coalesce(of_detail.credit_account, of_kind.credit_account) as credit_account
    from summed
    left join accounts as of_detail
        on summed.kind = of_detail.kind and summed.detail = of_detail.detail
    left join accounts as of_kind
        on summed.kind = of_kind.kind and of_kind.detail is null

),

final as (

    select
        to_char(booked.posted_in, 'YYYY-MM') as journal_month,
        booked.payout_window,
        booked.kind,
        booked.detail,
        sides.account,
        {{ money('greatest(sides.sign * booked.amount_minor, 0)') }} as debit,
        {{ money('greatest(-sides.sign * booked.amount_minor, 0)') }} as credit
    from booked
    inner join lateral (
        values
        (booked.debit_account, 1),
        (booked.credit_account, -1)
    ) as sides (account, sign) on true

)

select * from final
