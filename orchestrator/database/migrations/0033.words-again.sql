-- What somebody said before the rail was asked again counts no more: they can say it again.
alter table finance.batch_rejections drop constraint batch_rejections_pkey;
alter table finance.batch_rejections
add column batch_rejection_id bigint generated always as identity primary key;
create index batch_rejections_batch on finance.batch_rejections (batch_id);
