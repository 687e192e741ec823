-- What each part becomes: what the format says of its row's type, but for what the caller leaves.
insert into pg_temp.load_problems
select distinct
    -1,
    row_number,
    1,
    'type',
    pg_temp.load_shown(row_type)
    || ' is a type that the format does not know; add it to row_types in its manifest'
from pg_temp.import_parts as parts
where
    not exists (
        select from pg_temp.import_row_types as known
        where
            parts.row_type like known.pattern
    );

update pg_temp.import_parts as parts
set
    -- A format names the kind of what it takes from a row beside its amount: fees and taxes.
    kind = case when known.kind is not null then coalesce(parts.kind, known.kind) end,
    reason = known.reason
from (
    select distinct on (typed.row_type)
        typed.row_type,
        known.kind,
        known.reason
    from (select distinct row_type from pg_temp.import_parts) as typed
    inner join pg_temp.import_row_types as known
        on typed.row_type like known.pattern
    order by
        typed.row_type asc,
        typed.row_type = known.row_type desc,
        length(known.row_type) desc
) as known
where parts.row_type = known.row_type;

update pg_temp.import_parts
set kind = null, reason = 'the processor''s fee, which the marketplace bears'
where kind = 'fee' and {fees} = 'marketplace';

update pg_temp.import_parts
set kind = null, reason = 'left to the marketplace''s own tables'
where
    kind is not null
    and case
        when kind = 'order' then 'orders'
        when kind in ('fee', 'tax') then 'order_fees'
        when kind like 'refund%' then 'refunds'
        when kind like 'dispute%' then 'dispute_events'
        else 'seller_charges'
    end = any({without});

-- Ids that are made of what a row says can meet in one file: they are counted there.
update pg_temp.import_parts as parts
set part_id = parts.part_id || '-' || counted.ordinal
from (
    select
        ctid as place,
        row_number() over (
            partition by row_number / {lines_per_file}, part_id
            order by row_number, ctid
        ) as ordinal
    from pg_temp.import_parts
) as counted
where parts.ctid = counted.place and counted.ordinal > 1 and not {ids_are_given};

-- What another file of the same import, or another line, has had already.
update pg_temp.import_parts as parts
set is_repeated = true
from (
    select
        ctid as place,
        row_number() over (
            partition by part_id, row_type, currency, amount, fact_currency, fact_amount, happened_at
            order by row_number, ctid
        ) as ordinal
    from pg_temp.import_parts
) as counted
where parts.ctid = counted.place and counted.ordinal > 1;

insert into pg_temp.load_problems
select distinct
    -1,
    parts.row_number,
    1,
    'id',
    pg_temp.load_shown(parts.part_id) || ' is on line ' || pg_temp.load_line(other.row_number)
    || ' with another amount, type or instant; export the reports again'
from pg_temp.import_parts as parts
inner join (
    select part_id, min(row_number) as row_number
    from pg_temp.import_parts
    where not is_repeated
    group by part_id
    having count(*) > 1
) as other using (part_id)
where not parts.is_repeated and parts.row_number > other.row_number
