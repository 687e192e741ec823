-- Fails if a transaction of the journal does not balance, or if at the end of a month what it owes
-- to sellers, or has in transit, is not what the roll-forward has.

with

journal as (

    select * from {{ ref('journal_entries') }}

),

journal_accounts as (

    select * from {{ ref('journal_accounts') }}

),

months as (

    select * from {{ ref('liability_rollforward') }}
    where period_type = 'month'

),

owed as (

    select distinct journal_accounts.credit_account as account_name from journal_accounts
    where journal_accounts.kind in ('order', 'reserve')

),

in_transit as (

    select distinct journal_accounts.credit_account as account_name from journal_accounts
    where journal_accounts.kind = 'sent'

),

balances as (

    select
        months.period,
        months.closing_balance,
        months.closing_in_transit,
        coalesce(sum(journal.credit - journal.debit) filter (
            where journal.account in (select owed.account_name from owed)
        ), 0) as owed,
        coalesce(sum(journal.credit - journal.debit) filter (
            where journal.account in (select in_transit.account_name from in_transit)
        ), 0) as in_transit
    from months
    left join journal on months.period >= journal.journal_month
    group by months.period, months.closing_balance, months.closing_in_transit

)

select
    period as journal_month,
    'does not close as the books do' as reason
from balances
where owed <> closing_balance or in_transit <> closing_in_transit

union all

select
    journal_month,
    'does not balance: ' || kind || ' of ' || payout_window as reason
from journal
group by journal_month, payout_window, kind, detail
having sum(debit) <> sum(credit)
