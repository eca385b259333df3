"""What is put around a template's expressions, because MiniJinja's fuel does not count it.

- Lists can be repeated, `[0] * 1000000000`, for nothing: the factors of `*` pass by `factor`.
- Values can be doubled again and again by `set` and `for`: what they name passes by `kept`.
- Macros, imports and recursive loops would open more such ways, so they are refused.
- What is compared for its order passes by `alike`; see `comparisons`.
"""

from collections.abc import Sequence
from typing import Final

from orbiter.adapters.templating.comparisons import ordered
from orbiter.adapters.templating.source import Tag, Token, closing_of, joined
from orbiter.application.ports.templating import TemplateError

STATEMENTS: Final = frozenset(
    ("if", "elif", "else", "endif", "for", "endfor", "set", "endset", "break", "continue")
)
_FACTOR: Final = (Token("operator", "|"), Token("name", "factor"))
_KEPT: Final = (Token("operator", ")"), Token("operator", "|"), Token("name", "kept"))
_PAREN: Final = Token("operator", "(")


def guarded_tag(tag: Tag) -> str:
    """Return the tag's source with its guards, or raise TemplateError for what is refused."""
    tokens = tag.tokens
    if tag.is_statement:
        tokens = _statement(tokens)
    tokens = guarded(tokens)
    if tokens == tag.tokens:
        return tag.source
    return f"{tag.opening} {joined(tokens)} {tag.closing}"


def guarded(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return an expression's tokens with guards around its factors and comparisons."""
    _refuse_format(tokens)
    return ordered(_bounded(tokens))


def _bounded(tokens: Sequence[Token]) -> Sequence[Token]:
    marks: set[int] = set()
    for at, token in enumerate(tokens):
        if token.word == "*" and token.kind == "operator":
            marks |= {at, _end_of_operand(tokens, at + 1)}
    if not marks:
        return tokens
    guarded: list[Token] = []
    for at, token in enumerate(tokens):
        guarded += (*_FACTOR, token) if at in marks else (token,)
    return [*guarded, *_FACTOR] if len(tokens) in marks else guarded


def targets(tag: Tag) -> frozenset[str]:
    """Return the names that a `for` or `set` gives."""
    _, begin = _split(tag.tokens)
    names = tag.tokens[1 : begin - 1] if tag.is_statement else ()
    return frozenset(token.word for token in names if token.kind == "name")


def read_by(tag: Tag) -> Sequence[Token]:
    """Return the tokens of what a tag reads."""
    return tag.tokens[_split(tag.tokens)[1] :] if tag.is_statement else tag.tokens


def _statement(tokens: Sequence[Token]) -> Sequence[Token]:
    name = tokens[0].word if tokens else ""
    if name not in STATEMENTS:
        raise TemplateError(f"The statement `{name}` is not known here")
    if name == "for" and tokens[-1].word == "recursive":
        raise TemplateError("Recursive loops are not known here")
    separator, begin = _split(tokens)
    end = _at_top(tokens, "if", begin) if separator == "in" else len(tokens)
    if separator is None or begin >= end:
        return tokens
    return [*tokens[:begin], _PAREN, *tokens[begin:end], *_KEPT, *tokens[end:]]


def _split(tokens: Sequence[Token]) -> tuple[str | None, int]:
    """Return what stands between a statement's names and its expression, and where that begins."""
    separator = {"for": "in", "set": "="}.get(tokens[0].word if tokens else "")
    return separator, 1 if separator is None else _at_top(tokens, separator) + 1


def _at_top(tokens: Sequence[Token], word: str, begin: int = 0) -> int:
    """Return where *word* stands outside of brackets, or the end."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += token.opens - token.closes
        if at >= begin and not depth and token.word == word:
            return at
    return len(tokens)


def _end_of_operand(tokens: Sequence[Token], at: int) -> int:
    """Return where the operand that begins at *at* ends: signs, a value, and what hangs on it."""
    while at < len(tokens) and tokens[at].word in ("-", "+"):
        at += 1
    at = _after(tokens, at)
    while at < len(tokens) and tokens[at].kind == "operator":
        if tokens[at].word in (".", "|", "**"):
            at = _after(tokens, at + 1)
        elif tokens[at].word in ("(", "["):
            at = _after(tokens, at)
        else:
            break
    return at


def _after(tokens: Sequence[Token], at: int) -> int:
    """Return the place behind a word, or behind the bracket that begins there."""
    closing = closing_of(tokens, at)
    return (at if closing is None else closing) + 1


def _refuse_format(tokens: Sequence[Token]) -> None:
    words = [token.word for token in tokens]
    for at in range(len(words) - 2):
        if words[at : at + 3] == [".", "format", "("]:
            raise TemplateError("Use the filter `format`: '%s' | format(value)")
