-- One row per local day on which what is owed to sellers moved: by entries that became known, by
-- lines that were frozen or came back.

with

moves as (

    select * from {{ ref('int_book_moves') }}

),

final as (

    select
        {%- for column, sign, types in entry_columns() + [
            ('sent', '', "'sent'"),
            ('came_back', '', "'came_back'"),
            ('completed_after_all', '', "'completed_after_all'"),
            ('paid', '', "'paid'"),
            ('absorbed_disputes', '', "'absorbed_disputes'"),
        ] %}
            coalesce({{ sign }}sum(amount_minor) filter (where move_type in ({{ types }})), 0)
                as {{ column }}_minor,
        {%- endfor %}
        moved_on
    from moves
    group by moved_on

)

select * from final
