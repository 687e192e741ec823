"""The rules that macros hold, as SQL for whoever asks before a build."""

from functools import cache

import jinja2

from orchestrator.config import PROJECT_ROOT
from orchestrator.project_variables import project_variables

# Macros that need nothing of dbt but its variables.
_FILES = ("money.sql", "instants.sql", "defects.sql", "entry_types.sql")


@cache
def rule(call: str) -> str:
    """The SQL of a macro's call, such as order_defect('orders', 'currencies')."""
    macros = [(PROJECT_ROOT / "macros" / name).read_text(encoding="utf-8") for name in _FILES]
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)  # noqa: S701 - SQL, not HTML
    environment.globals["var"] = project_variables().__getitem__
    return environment.from_string("\n".join([*macros, f"{{{{ {call} }}}}"])).render().strip()
