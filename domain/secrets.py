"""Secrets: values that templates may use and nobody may read again."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "***"


@dataclass(frozen=True, slots=True)
class SecretValues:
    """The secrets a run or tool may use: *values* by name, which never leave the core.

    `redacted` must be applied to whatever does: traces, logs, errors, exports.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    _forms: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A longer form may hold a shorter one, which would leave its rest standing.
        forms = {form for value in self.values.values() for form in _forms_of(value) if form}
        object.__setattr__(self, "_forms", tuple(sorted(forms, key=len, reverse=True)))

    def redacted(self, value: Any) -> Any:
        """Return a JSON value with every secret in it, in keys too, shown as `***`."""
        return _redacted(value, self._forms) if self._forms else value


NO_SECRETS: Final = SecretValues()


def _forms_of(value: str) -> Iterable[str]:
    yield value
    yield quote(value, safe="")
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield base64.b64encode(value.encode(errors="surrogatepass")).decode().rstrip("=")


def _redacted(value: Any, forms: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        for form in forms:
            value = value.replace(form, HIDDEN)
        return value
    if isinstance(value, Mapping):
        return {_redacted(key, forms): _redacted(each, forms) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(each, forms) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in forms:
        return HIDDEN
    return value
