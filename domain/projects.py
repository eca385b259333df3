"""A project: the folder every other resource lives in."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypedDict, Unpack

from orbiter.domain.checks import naming_problems, require, text_problems

MODEL_MAX: Final = 255


class ProjectChanges(TypedDict, total=False):
    """Fields a caller may revise; an absent key means leave it alone."""

    name: str
    description: str | None
    default_model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Immutable snapshot; every change yields a new, re-validated one."""

    id: str
    workspace_id: str
    name: str
    description: str | None = None
    default_model: str | None = None
    created_by: str
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        require(
            naming_problems(self.name, self.description),
            text_problems("default_model", self.default_model, maximum=MODEL_MAX),
        )

    def revise(self, *, at: datetime, **changes: Unpack[ProjectChanges]) -> "Project":
        """Return the project with *changes* applied."""
        return replace(self, updated_at=at, **changes)
