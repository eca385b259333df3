"""Fields that hold the id of something else."""

from collections.abc import Awaitable, Callable, Sequence

from orbiter.domain.errors import FieldProblem, NotFound


async def reference_problems(
    field: str, get: Callable[[str], Awaitable[object]], entity_id: str | None
) -> Sequence[FieldProblem]:
    """Return what is wrong with a *field* of that id, None for none, that *get* should find."""
    if entity_id is None:
        return []
    try:
        await get(entity_id)
    except NotFound as absent:
        return [FieldProblem(field, absent.message)]
    return []
