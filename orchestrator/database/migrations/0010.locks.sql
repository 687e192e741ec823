-- What one at a time holds while it works. Rows of the owner's: an advisory lock has no grants, and
-- any login could hold one for good.
create table finance.locks (
    lock_name text primary key
);
comment on table finance.locks is 'One row per thing that only one at a time may do.';
insert into finance.locks (lock_name) values ('decisions'), ('clock');
