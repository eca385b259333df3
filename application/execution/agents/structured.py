"""Answers that follow a JSON Schema."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from orbiter.application.ports.templating import Schemas

_FENCED: Final = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)


def value_of(text: str, schema: Mapping[str, Any], schemas: Schemas) -> tuple[Any, Sequence[str]]:
    """Return the JSON value that *text* is, and why it does not follow *schema*, if it does not.

    A code fence around it, which some models can't leave out, is tolerated.
    """
    fenced = _FENCED.fullmatch(text)
    try:
        value = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError) as error:
        return None, [f"The answer is no JSON: {error}"]
    problems = schemas.problems(schema, value)
    return value, [f"{each.field}: {each.message}".removeprefix(": ") for each in problems]
