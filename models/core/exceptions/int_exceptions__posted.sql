-- One row per fact of the open window that was posted: it came after the close that should have had
-- it. For information; nobody has to do anything.

with

known as (

    select * from {{ ref('int_entries__known') }}
    where posted_at is not null

),

final as (

    select
        {{ source_table_of('entry_type') }} as source_table,
        source_id,
        seller_id,
        'posted_late' as reason,
        amount_minor,
        known_at
    from known

)

select * from final
