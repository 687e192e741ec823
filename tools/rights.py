"""What every group of logins may do, asked of a database that was just migrated, as a page.

`make reference` writes docs/reference/rights.md with it; a test compares the two.
"""

import tempfile
from collections import defaultdict
from pathlib import Path

import psycopg

from orchestrator.config import PROJECT_ROOT, Component, load_settings
from orchestrator.database.connection import connect
from orchestrator.database.migrate import prepare_database
from orchestrator.embedded_postgres.server import EmbeddedPostgres

PAGE = PROJECT_ROOT / "docs" / "reference" / "rights.md"
GROUPS = {
    "settle_finance": "people who decide",
    "settle_analyst": "people who read",
    "settle_dbt": "dbt's login",
    "settle_orchestrator": "Dagster and the command line",
    "settle_webhook": "the receiver",
    "settle_portal": "sellers' pages",
    "settle_marketplace": "the marketplace's backend",
    "settle_reader": "nobody: what reads for sellers' pages runs with its rights",
    "public": "every login that may connect",
}
SCHEMAS = ["finance", "halfin", "marketplace", "handover", "portal", "dbt_reads", "public"]
RELATIONS = """
select
    g.name as who, n.nspname as schema, c.relname as relation, p.privilege,
    has_table_privilege(g.name, c.oid, p.privilege) as is_whole,
    (
        select string_agg(a.attname, ', ' order by a.attnum) from pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            and p.privilege in ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
            and has_column_privilege(g.name, c.oid, a.attnum, p.privilege)
    ) as columns
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
cross join unnest(%(groups)s::text[]) as g (name)
cross join unnest(
    '{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]
) as p (privilege)
where c.relkind in ('r', 'v', 'm', 'p', 'f') and n.nspname = any(%(schemas)s)
    and c.relname !~ 'yoyo' and has_schema_privilege(g.name, n.oid, 'usage')
"""
FUNCTIONS = """
select distinct g.name as who, n.nspname as schema, p.proname::text collate "C" as name
from pg_proc as p
inner join pg_namespace as n on p.pronamespace = n.oid
cross join unnest(%(groups)s::text[]) as g (name)
where n.nspname = any(%(schemas)s) and has_function_privilege(g.name, p.oid, 'execute')
    and has_schema_privilege(g.name, n.oid, 'usage')
order by 1, 2, 3
"""
OPENING = """# Who may do what in the database?

Written by `make reference` from the catalog of a database that was just migrated, with which
`tests/security/test_threat_model.py` compares it. What dbt builds is dbt's own, and read by
analysts and the orchestrator, not by who decides: `tests/functions/rights/test_access.py` looks at
every login of a whole installation. What is not listed nobody may; `public` comes in addition to
each.
"""


def rights_page(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """The page, as the catalog of this database has it."""
    named = {"groups": list(GROUPS), "schemas": SCHEMAS}
    of_relations: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    relations: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(RELATIONS, named).fetchall():
        who, schema, relation, privilege, is_whole, columns = map(str, row)
        relations[schema].add(relation)
        if is_whole == "True":
            of_relations[who, privilege, schema].add(relation)
        elif columns != "None":
            of_relations[who, privilege, schema].add(f"{relation} ({columns})")
    of_functions: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in connection.execute(FUNCTIONS, named).fetchall():
        who, schema, name = map(str, row)
        of_functions[who, schema].append(name)
    lines = [OPENING]
    for who, what in GROUPS.items():
        found = [
            f"| {privilege.lower()} | `{schema}` | {_names(names, relations[schema])} |"
            for (owner, privilege, schema), names in sorted(of_relations.items())
            if owner == who
        ]
        found += [
            f"| call | `{schema}` | {', '.join(f'`{name}`' for name in names)} |"
            for (owner, schema), names in sorted(of_functions.items())
            if owner == who and (who == "public" or schema != "public")
        ]
        lines.append(f"## {who}\n\nFor {what}.\n")
        head = ["| right | schema | on |", "|---|---|---|"]
        lines.append("\n".join([*head, *found]) + "\n" if found else "Nothing.\n")
    return "\n".join(lines)


def _names(names: set[str], all_of_them: set[str]) -> str:
    return "all of it" if names == all_of_them else ", ".join(f"`{n}`" for n in sorted(names))


def main() -> None:
    """Write the page, from a server that is made for it."""
    with tempfile.TemporaryDirectory(prefix="settle-rights-") as folder:
        Path(folder).chmod(0o711)
        settings = load_settings({"SETTLE_HOME": f"{folder}/home"})
        try:
            prepare_database(settings)
            with connect(settings, Component.OWNER) as owner:
                PAGE.write_text(rights_page(owner), encoding="utf-8")
        finally:
            EmbeddedPostgres(settings.home).stop()


if __name__ == "__main__":
    main()
