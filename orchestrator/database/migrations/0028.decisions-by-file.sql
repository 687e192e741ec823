-- Holds and releases of many sellers, as one decision.
alter table finance.seller_holds add column file_id bigint;
comment on column finance.seller_holds.file_id is
'The number of the decision that held several sellers at once; null where one was held alone.';
alter table finance.hold_releases add column file_id bigint;
comment on column finance.hold_releases.file_id is
'The number of the decision that released several sellers at once; null where one was released alone.';
