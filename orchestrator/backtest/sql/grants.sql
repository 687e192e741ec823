grant select on all tables in schema {marts}, {core}, {seeds}, {staging}
to settle_analyst, settle_orchestrator
