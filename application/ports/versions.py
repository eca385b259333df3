"""Where things are kept of which no state is lost: a head, and its versions, which never change."""

from typing import Protocol, TypeVar

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import Repository

Head = TypeVar("Head")
Version = TypeVar("Version")


class VersionedRepository(Repository[Head], Protocol[Head, Version]):
    """Heads and their versions, numbered from 1; removing a head removes its versions."""

    async def add_version(self, version: Version) -> None:
        """Store a new version; raise Conflict when its number is used, NotFound without a head."""

    async def version(self, head_id: str, number: int) -> Version:
        """Return a version or raise NotFound."""
        ...

    async def versions(self, head_id: str, request: PageRequest) -> Page[Version]:
        """Return a page of versions; `after` is a version's number as text."""
        ...
