"""Data as templates see it: read on demand, never changed, without Python's own methods.

MiniJinja calls the methods of Python's objects, so a plain dict or list would let a template
change what other nodes read.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from orbiter.adapters.templating.meter import Meter
from orbiter.application.ports.templating import TemplateError


class Hidden:
    """A method of Python's that templates don't find."""

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise AttributeError("hidden")


class ObjectView(dict[str, Any]):
    """A JSON object; what it inherits of dict's storage stays empty."""

    __slots__ = ("_data", "_meter")
    clear = copy = fromkeys = pop = popitem = setdefault = update = Hidden()

    def __init__(self, data: Mapping[str, Any], meter: Meter) -> None:
        self._data = data
        self._meter = meter

    def __getitem__(self, name: str) -> Any:
        self._meter.count()
        return view_of(self._data[name], self._meter)

    def __iter__(self) -> Iterator[str]:
        self._meter.count(len(self._data))
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __contains__(self, name: object) -> bool:
        return name in self._data

    def __repr__(self) -> str:
        return json.dumps(self._data, ensure_ascii=False)

    def keys(self) -> Any:
        """Return the names, as a template's `.keys()`."""
        return list(self)

    def values(self) -> Any:
        """Return the values, as a template's `.values()`."""
        return [self[name] for name in self]

    def items(self) -> Any:
        """Return the pairs, as a template's `.items()`."""
        return [(name, self[name]) for name in self]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or *default* when there is none."""
        return self[name] if name in self._data else default


class ListView(list[Any]):
    """A JSON array; what it inherits of list's storage stays empty."""

    __slots__ = ("_data", "_meter")
    append = clear = copy = count = extend = index = insert = Hidden()
    pop = remove = reverse = sort = Hidden()

    def __init__(self, data: Sequence[Any], meter: Meter) -> None:
        self._data = data
        self._meter = meter

    def __getitem__(self, index: Any) -> Any:
        self._meter.count()
        return view_of(self._data[index], self._meter)

    def __iter__(self) -> Iterator[Any]:
        self._meter.count(len(self._data))
        return (view_of(value, self._meter) for value in self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __contains__(self, value: object) -> bool:
        return any(value == each for each in self)

    def __repr__(self) -> str:
        return json.dumps(self._data, ensure_ascii=False)


def view_of(value: Any, meter: Meter) -> Any:
    """Return *value* as a template may see it."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return value if isinstance(value, ObjectView) else ObjectView(value, meter)
    if isinstance(value, list | tuple):
        return value if isinstance(value, ListView) else ListView(value, meter)
    return value


def value_of(seen: Any) -> Any:
    """Return what a template made as a value of JSON, or raise TemplateError."""
    if isinstance(seen, ObjectView | ListView):
        return seen._data
    if seen is None or isinstance(seen, bool | int):
        return seen
    if isinstance(seen, str):
        return seen if type(seen) is str else "".join(seen)
    if isinstance(seen, float):
        return _finite(seen)
    if isinstance(seen, Mapping):
        return {str(name): value_of(value) for name, value in seen.items()}
    if isinstance(seen, Iterable):
        return [value_of(value) for value in seen]
    raise TemplateError("The expression gives something that is no value of JSON")


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise TemplateError(f"The expression gives {number}, which is no number of JSON")
    return number
