"""Approvals: what somebody, or the time that has passed, says to a node that asks."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any


class Decision(StrEnum):
    """What somebody says to what an approval asks."""

    APPROVE = "approve"
    REJECT = "reject"


def answer_of(
    decision: str,
    *,
    at: datetime,
    by: str | None = None,
    comment: str | None = None,
    fields: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """Return an answer as it is recorded, and as the node gives it; *at* is in UTC."""
    return {
        "decision": str(decision),
        "comment": comment,
        "fields": fields or {},
        "decided_by": by,
        "decided_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
