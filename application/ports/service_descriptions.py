"""What descriptions of services say can be asked of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

DOCUMENT_MAX: Final = 2 * 1024 * 1024
OPERATIONS_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing a service does, as a tool of kind `http` is set to ask for it.

    *id* is what the document calls it; *name* is fit for a tool, and no other operation that was
    read together with it has the same. *parameters* and *config* are those of the tool.
    """

    id: str
    name: str
    description: str
    parameters: Mapping[str, Any]
    config: Mapping[str, Any]


class ServiceDescriptions(Protocol):
    """Read OpenAPI 3.0 and 3.1. Nothing is fetched: references lead within the document.

    What documents say is untrusted: their size, depth and number of operations are bounded, and
    nothing in them is taken for a template.
    """

    async def operations(
        self,
        document: str | Mapping[str, Any],
        *,
        wanted: Collection[str] | None = None,
        base_url: str | None = None,
        origin: str | None = None,
        auth: Mapping[str, Any] | None = None,
    ) -> Sequence[Operation]:
        """Return the operations *wanted*, by id or as `GET /path`, by default all.

        *document* is JSON or YAML of at most DOCUMENT_MAX characters, or decoded already.
        *base_url* stands in for an absolute URL of the server, and completes a relative one; so
        does without it *origin*, the URL that the document is from.
        *auth*, if given, stands in for what the document says of security.
        Raise Invalid with every place, below `document`, that can't be made a tool of; and with
        those of `operations` that the document does not have.
        """
        ...
