"""The thin orchestrator around the dbt project: it moves data and asks; SQL computes."""
