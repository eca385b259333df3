"""Secrets at rest: sealed for one row, worth nothing in any other."""

import json
from dataclasses import dataclass
from typing import Any

from orbiter.application.ports.identity import Cipher


@dataclass(frozen=True, slots=True)
class Seals:
    """Seal texts together with the row they belong to.

    A sealed text that was copied to another row, kind or workspace opens as little as a forged one.
    """

    cipher: Cipher

    def seal(self, kind: str, workspace_id: str, entity_id: str, text: str) -> bytes:
        """Return what may be stored in the row *entity_id* of that *kind* and workspace."""
        return self.cipher.encrypt(json.dumps([kind, workspace_id, entity_id, text]).encode())

    def open(self, kind: str, workspace_id: str, entity_id: str, sealed: bytes) -> str:
        """Return the text; raise ValueError when no key fits or it was sealed for another row."""
        owner_and_text: Any = json.loads(self.cipher.decrypt(sealed))
        match owner_and_text:
            case [*owner, str(text)] if owner == [kind, workspace_id, entity_id]:
                return text
        raise ValueError("This was sealed for something else")
