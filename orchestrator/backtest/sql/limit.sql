insert into {staging}.stg_finance__policies (
    policy_id, policy_name, rail, amount_minor, confirmed_at
)
values (
    %(number)s, %(name)s, %(rail)s, (%(amount)s::numeric * 100)::bigint,
    timestamptz '1970-01-01 00:00:00+00'
)
