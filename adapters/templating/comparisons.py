"""Comparisons of order, which MiniJinja answers for any two values: every text is above 18.

So `a < b` becomes `alike(a < b, a, b)`, which speaks up when the sides are of different kinds.
The comparison itself stays, for what it says of names that don't exist.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from orbiter.adapters.templating.source import TOKENS_MAX, Token, closing_of
from orbiter.application.ports.templating import TemplateError

_GUARDED_MAX: Final = 8 * TOKENS_MAX
_ORDERS: Final = frozenset(("<", ">", "<=", ">="))
_COMPARES: Final = _ORDERS | {"==", "!=", "in"}
_BREAKS: Final = frozenset(("and", "or", "not", "if", "elif", "else", ",", ":", "="))
_COMMA: Final = Token("operator", ",")
_ALIKE: Final = (Token("name", "alike"), Token("operator", "("))
_END: Final = Token("operator", ")")

# A word by itself, or what stands between two brackets, with them.
Piece = list[Token]


def ordered(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return an expression's tokens with guards around its comparisons of order."""
    if not any(token.word in _ORDERS for token in tokens):
        return tokens
    guarded: list[Token] = []
    chain: list[Piece] = []
    for piece in _pieces(tokens):
        if len(piece) == 1 and piece[0].word in _BREAKS:
            guarded += (*_guarded(chain), *piece)
            chain = []
        else:
            chain.append(piece)
    guarded += _guarded(chain)
    if len(guarded) > _GUARDED_MAX:
        raise TemplateError("The comparisons are nested too deeply")
    return guarded


def alike(outcome: Any, *sides: Any) -> Any:
    """Return a comparison's *outcome* if its *sides* are of one kind; null goes with any."""
    kinds = sorted({_kind(side) for side in sides if side is not None})
    if len(kinds) > 1:
        raise TemplateError(f"{kinds[0]} can't be compared with {kinds[1]}".capitalize())
    return outcome


def _kind(side: Any) -> str:
    if isinstance(side, str):
        return "a text"
    if isinstance(side, int | float):
        return "a number"
    return "an object" if isinstance(side, Mapping) else "a list"


def _pieces(tokens: Sequence[Token]) -> Iterator[Piece]:
    at = 0
    while at < len(tokens):
        closing = closing_of(tokens, at)
        if closing is None:
            yield [tokens[at]]
            at += 1
        else:
            yield [tokens[at], *ordered(tokens[at + 1 : closing]), tokens[closing]]
            at = closing + 1


def _guarded(chain: Sequence[Piece]) -> Iterator[Token]:
    sides: list[list[Token]] = [[]]
    operators: list[Token] = []
    for piece in chain:
        if len(piece) == 1 and piece[0].word in _COMPARES:
            operators += piece
            sides.append([])
        else:
            sides[-1] += piece
    plain = [token for piece in chain for token in piece]
    if not operators or not all(sides) or not all(each.word in _ORDERS for each in operators):
        yield from plain
        return
    yield from (*_ALIKE, *plain)
    for side in sides:
        yield from (_COMMA, *side)
    yield _END
