"""Places in a document: what stands there, and how to tell that it is wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from orbiter.domain.errors import Invalid

DOCUMENT: Final = "document"
REFERENCES_MAX: Final = 32
_REFERENCE: Final = "$ref"


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a document, with the *place* it stands at; what is absent has None for a value."""

    root: Mapping[str, Any]
    value: Any
    place: tuple[str, ...] = ()

    def wrong(self, message: str) -> Invalid:
        """Return the error that says what is wrong here."""
        return Invalid.field(".".join((DOCUMENT, *self.place)), message)

    def child(self, key: str) -> "Node":
        """Return what stands under *key*; raise Invalid where there are no keys."""
        return Node(self.root, self.mapping.get(key), (*self.place, key))

    @property
    def mapping(self) -> Mapping[str, Any]:
        """Return the value as an object, an empty one where it is absent."""
        if self.value is None:
            return {}
        if not isinstance(self.value, Mapping):
            raise self.wrong("Input should be an object")
        return self.value

    @property
    def text(self) -> str | None:
        """Return the value as a text, if there is one."""
        if self.value is not None and not isinstance(self.value, str):
            raise self.wrong("Input should be a string")
        return self.value

    def entries(self) -> Iterator[tuple[str, "Node"]]:
        """Yield the keys of an object, and what stands under each."""
        for key in self.mapping:
            yield key, self.child(key)

    def items(self) -> Iterator["Node"]:
        """Yield what stands in a list, nothing where it is absent."""
        if self.value is not None and not isinstance(self.value, list | tuple):
            raise self.wrong("Input should be a list")
        for at, value in enumerate(self.value or ()):
            yield Node(self.root, value, (*self.place, str(at)))

    def resolved(self) -> "Node":
        """Return what stands where the reference here leads to, if there is one."""
        node = self
        for _ in range(REFERENCES_MAX):
            if _REFERENCE not in node.mapping:
                return node
            node = node.referred()
        raise self.wrong("The reference leads from one to the next without end")

    def referred(self) -> "Node":
        """Return what stands where the reference here leads to in one step."""
        reference = self.child(_REFERENCE)
        pointer = reference.text or ""
        if not pointer.startswith("#/"):
            message = "References should lead within the document, like #/components/schemas/Name"
            raise reference.wrong(message)
        place = [_unescaped(step) for step in pointer[2:].split("/")]
        value: Any = self.root
        for step in place:
            value = _below(value, step)
            if value is None:
                raise reference.wrong("The reference leads to nothing")
        return Node(self.root, value, tuple(place))


def _unescaped(step: str) -> str:
    return unquote(step).replace("~1", "/").replace("~0", "~")


def _below(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and step.isascii() and len(step) < 7:
        return value[int(step)] if int(step) < len(value) else None
    return None
