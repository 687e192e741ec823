"""What dbt gives to Jinja and sqlfluff's own stand-ins lack: see library_path in .sqlfluff.

Everything is as in a scheduled build of the live schemas, so that sqlfluff reads what runs.
"""

from pathlib import Path
from types import SimpleNamespace

import yaml

_PROJECT = yaml.safe_load((Path(__file__).resolve().parents[2] / "dbt_project.yml").read_text())

var = _PROJECT["vars"].__getitem__
execute = True
flags = SimpleNamespace(WHICH="build", FULL_REFRESH=False)
target = SimpleNamespace(name="live", schema="settlement")
graph = SimpleNamespace(nodes={})
# Relations without a column of their own: what stands in for the optional ones is read.
adapter = SimpleNamespace(get_columns_in_relation=lambda relation: [])
exceptions = SimpleNamespace(raise_compiler_error=lambda message: message)


def run_query(sql: str) -> SimpleNamespace:
    """One row with the value true, whatever is asked: is_scoped() holds."""
    return SimpleNamespace(columns=[SimpleNamespace(values=lambda: [True])])
