"""The chart of the last closes, as a picture that Dagster's markdown shows."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SPECIFICATION = Path(__file__).parent / "weeks_chart.vl.json"


def weeks_chart(weeks: Sequence[Mapping[str, Any]], title: str) -> bytes:
    """A PNG of stacked bars; each row is a week, a kind and an amount as text."""
    import vl_convert  # half a second to import, and only a close draws

    specification = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    specification["title"] = title
    specification["data"]["values"] = [dict(row) for row in weeks]
    png: bytes = vl_convert.vegalite_to_png(specification, scale=1.2)
    return png


def as_markdown(png: bytes, title: str) -> str:
    """An image that carries its own bytes: the page that shows it asks nobody for them."""
    return f"![{title}](data:image/png;base64,{b64encode(png).decode()})"
