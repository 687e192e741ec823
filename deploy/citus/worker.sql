-- On each worker, before it joins the cluster, as its administrator:
--   psql settle --set owner=settlement --file deploy/citus/worker.sql
-- Citus copies roles to a node that joins, and who granted what; whoever did so has to be there.
create extension if not exists citus;
set citus.enable_ddl_propagation = off;
create role :"owner" login createrole;
set role :"owner";
create role settle_owner;
create role settle_dbt;
create role settle_orchestrator;
create role settle_webhook;
create role settle_finance;
create role settle_portal;
create role settle_analyst;
create role settle_reader;
create role settle_marketplace;
reset role;
