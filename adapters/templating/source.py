"""The text of templates: where its tags are, and the tokens in them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from orbiter.application.ports.templating import TemplateError

TEMPLATE_MAX: Final = 64 * 1024
EXPRESSION_MAX: Final = 8 * 1024
# MiniJinja recurses over chains of operators; thousands would exhaust the stack.
TOKENS_MAX: Final = 1000
STATEMENTS_MAX: Final = 300

_OPENING: Final = re.compile(r"\{\{[-+]?|\{%[-+]?|\{#")
_CLOSING: Final = {"{{": re.compile(r"[-+]?\}\}"), "{%": re.compile(r"[-+]?%\}")}
_TOKEN: Final = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>\d\w*(?:\.\d\w*)?(?:(?<=[eE])[-+]\d+)?)
    |(?P<name>[^\W\d]\w*)
    |(?P<operator>\*\*|//|==|!=|<=|>=|[-+*/%~|.,:()\[\]{}<>=])""",
    re.X | re.S,
)
_SPACE: Final = re.compile(r"\s*")
_RAW_END: Final = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_OPENS, _CLOSES = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression; *kind* is text (quotes included), number, name or operator."""

    kind: str
    word: str

    @property
    def opens(self) -> bool:
        """Say whether it is an opening bracket."""
        return self.word in _OPENS

    @property
    def closes(self) -> bool:
        """Say whether it is a closing bracket."""
        return self.word in _CLOSES


@dataclass(frozen=True, slots=True)
class Tag:
    """A `{{ … }}` or `{% … %}`; its delimiters as they stand, minus signs included."""

    source: str
    opening: str
    tokens: Sequence[Token]
    closing: str

    @property
    def is_statement(self) -> bool:
        """Say whether it is a `{% … %}`."""
        return self.opening.startswith("{%")


def parts_of(template: str) -> Iterator[str | Tag]:
    """Yield tags, and the text between them, in their order; comments and `raw` are text."""
    if len(template) > TEMPLATE_MAX:
        raise TemplateError(f"A template has at most {TEMPLATE_MAX} characters")
    at = 0
    while opening := _OPENING.search(template, at):
        if opening.start() > at:
            yield template[at : opening.start()]
        if opening[0] == "{#":
            at = _end_of_comment(template, opening.end())
            yield template[opening.start() : at]
            continue
        tokens, closing = _tokens(template, opening.end(), _CLOSING[opening[0][:2]])
        at = closing.end()
        if opening[0].startswith("{%") and tokens and tokens[0].word == "raw":
            at = _end_of_raw(template, at)
            yield template[opening.start() : at]
        else:
            yield _tag(template[opening.start() : at], opening[0], tokens, closing[0])
    if at < len(template):
        yield template[at:]


def tokens_of(expression: str) -> Sequence[Token]:
    """Return the tokens of a bare expression."""
    if len(expression) > EXPRESSION_MAX:
        raise TemplateError(f"An expression has at most {EXPRESSION_MAX} characters")
    return _with_ids(_tokens(expression, 0, re.compile(r"\Z"))[0])


def joined(tokens: Sequence[Token]) -> str:
    """Return tokens as source."""
    return " ".join(token.word for token in tokens)


def closing_of(tokens: Sequence[Token], at: int) -> int | None:
    """Return where the bracket that opens at *at* is closed; None if none does, or it never is."""
    depth = 0
    for place in range(at, len(tokens)):
        depth += tokens[place].opens - tokens[place].closes
        if depth <= 0:
            return place if place > at else None
    return None


def _tag(source: str, opening: str, tokens: Sequence[Token], closing: str) -> Tag:
    written = _with_ids(tokens)
    if written != tokens:
        source = f"{opening} {joined(written)} {closing}"
    return Tag(source, opening, written, closing)


def _tokens(source: str, at: int, end: re.Pattern[str]) -> tuple[Sequence[Token], re.Match[str]]:
    tokens: list[Token] = []
    depth = 0
    while True:
        at = _after_space(source, at)
        closing = None if depth else end.match(source, at)
        if closing is not None:
            return tokens, closing
        found = _TOKEN.match(source, at)
        if found is None or len(tokens) == TOKENS_MAX:
            raise TemplateError(_complaint(source, at, found))
        token = Token(found.lastgroup or "", found[0])
        depth += token.opens - token.closes
        tokens.append(token)
        at = found.end()


def _after_space(source: str, at: int) -> int:
    found = _SPACE.match(source, at)
    return at if found is None else found.end()


def _complaint(source: str, at: int, found: re.Match[str] | None) -> str:
    if found is not None:
        return f"An expression has at most {TOKENS_MAX} words"
    if at == len(source):
        return "Syntax error: an expression does not end"
    return f"Syntax error: unexpected {source[at]!r}"


def _end_of_comment(template: str, at: int) -> int:
    end = template.find("#}", at)
    if end < 0:
        raise TemplateError("Syntax error: a comment does not end")
    return end + 2


def _end_of_raw(template: str, at: int) -> int:
    end = _RAW_END.search(template, at)
    if end is None:
        raise TemplateError("Syntax error: a raw block does not end")
    return end.end()


def _with_ids(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return tokens with ids that are no names in quotes: `nodes.a-1.output`, `nodes.7.output`."""
    written: list[Token] = []
    at = 0
    while at < len(tokens):
        end = _end_of_id(tokens, at)
        if end is None:
            written.append(tokens[at])
            at += 1
        else:
            id = "".join(token.word for token in tokens[at + 2 : end])
            quoted = Token("text", f'"{id}"')
            written += (tokens[at], Token("operator", "["), quoted, Token("operator", "]"))
            at = end
    return written


def _end_of_id(tokens: Sequence[Token], at: int) -> int | None:
    """Return where the id behind `nodes.` ends, if it is followed by `.output` and no name."""
    if [token.word for token in tokens[at : at + 2]] != ["nodes", "."]:
        return None
    end = at + 2
    while end < len(tokens) and (tokens[end].kind in ("name", "number") or tokens[end].word == "-"):
        end += 1
    plain = end == at + 3 and tokens[at + 2].kind == "name"
    behind = [token.word for token in tokens[end : end + 2]]
    return None if plain or end == at + 2 or behind != [".", "output"] else end
