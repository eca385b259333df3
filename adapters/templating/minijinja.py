"""Templates and expressions by MiniJinja, within bounds; see `guards` for those it lacks."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import minijinja

from orbiter.adapters.templating.comparisons import alike
from orbiter.adapters.templating.guards import guarded, guarded_tag, read_by, targets
from orbiter.adapters.templating.meter import Meter, require_bounded
from orbiter.adapters.templating.names import Path, called, certain, require_names
from orbiter.adapters.templating.picking import pick
from orbiter.adapters.templating.source import (
    STATEMENTS_MAX,
    Tag,
    Token,
    joined,
    parts_of,
    tokens_of,
)
from orbiter.adapters.templating.views import value_of, view_of
from orbiter.application.ports.templating import Context, TemplateError

FUEL: Final = 200_000
OUTPUT_MAX: Final = 1024 * 1024
INDENT_MAX: Final = 8
_PREPARED_KEPT: Final = 512
_NULL: Final = {"null": None}
_REMOVED: Final = ("cycler", "debug", "joiner", "namespace")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A template or an expression, checked and guarded; *names* are read for certain."""

    source: str
    names: tuple[Path, ...] = ()
    methods: frozenset[str] = frozenset()
    is_expression: bool = True


class MinijinjaTemplates:
    """Renders templates; what is used again is prepared once."""

    def __init__(self) -> None:
        self._meter = Meter()
        self._environment = minijinja.Environment(
            fuel=FUEL,
            undefined_behavior="strict",
            keep_trailing_newline=True,
            filters={"factor": _factor, "kept": self._kept, "tojson": _to_json},
            globals={**_NULL, "alike": alike},
            finalizer=_printed,
        )
        for name in _REMOVED:
            self._environment.remove_global(name)
        self._template = lru_cache(_PREPARED_KEPT)(self._prepare_template)
        self._expression = lru_cache(_PREPARED_KEPT)(self._prepare_expression)

    def render(self, template: Any, context: Context) -> Any:
        """Render every text inside of *template*, however deep."""
        if isinstance(template, str):
            return self._text(template, context) if "{" in template else template
        if isinstance(template, Mapping):
            return {name: self.render(value, context) for name, value in template.items()}
        if isinstance(template, list | tuple):
            return [self.render(value, context) for value in template]
        return template

    def evaluate(self, expression: str, context: Context) -> Any:
        """Return the value of a bare expression; `{{ }}` around it is tolerated."""
        if expression.lstrip().startswith("{{"):
            prepared = self._template(expression)
            if prepared.is_expression:
                return self._value(prepared, context)
        return self._value(self._expression(expression), context)

    def pick(self, expression: str, context: Context) -> Any:
        """Return what a JMESPath expression finds in the context."""
        return pick(expression, context)

    def _text(self, template: str, context: Context) -> Any:
        prepared = self._template(template)
        if prepared.is_expression:
            return self._value(prepared, context)
        require_names(prepared.names, prepared.methods, context)
        text = self._within(self._environment.render_str, prepared.source, context)
        if len(text) > OUTPUT_MAX:
            raise TemplateError(f"The template gives more than {OUTPUT_MAX} characters")
        return text

    def _value(self, prepared: Prepared, context: Context) -> Any:
        require_names(prepared.names, prepared.methods, context)
        evaluate = self._environment.eval_expr
        value = value_of(self._within(evaluate, prepared.source, context))
        if value is None:
            # Undefined comes as None too; as a text it speaks up.
            self._within(evaluate, f"({prepared.source})|string", context)
        elif isinstance(value, str) and len(value) > OUTPUT_MAX:
            raise TemplateError(f"The expression gives more than {OUTPUT_MAX} characters")
        return value

    def _within(self, work: Callable[..., Any], source: str, context: Context) -> Any:
        meter = self._meter = Meter()
        seen = {name: view_of(value, meter) for name, value in context.items()}
        try:
            return work(source, **seen)
        except TemplateError:
            raise
        except minijinja.TemplateError as error:
            raise TemplateError(_message_of(error)) from None
        except AttributeError as error:
            raise TemplateError(f"There is no method `{error.name}`") from None
        except Exception as error:
            raise TemplateError(f"The template can't be rendered: {error}") from None

    def _prepare_expression(self, expression: str) -> Prepared:
        return self._prepared(tokens_of(expression))

    def _prepare_template(self, template: str) -> Prepared:
        parts = list(parts_of(template))
        tags = [part for part in parts if isinstance(part, Tag)]
        _require_few([tag for tag in tags if tag.is_statement])
        match [part for part in parts if isinstance(part, Tag) or part.strip()]:
            case [Tag(is_statement=False) as tag]:
                return self._prepared(tag.tokens)
        return Prepared(
            "".join(part if isinstance(part, str) else guarded_tag(part) for part in parts),
            self._names(tags),
            frozenset().union(*(called(tag.tokens) for tag in tags)),
            is_expression=False,
        )

    def _prepared(self, tokens: Sequence[Token]) -> Prepared:
        source = joined(guarded(tokens))
        names = self._read(tokens) if certain(tokens) else frozenset()
        return Prepared(source, tuple(sorted(names)), called(tokens))

    def _names(self, tags: Sequence[Tag]) -> tuple[Path, ...]:
        if any(tag.is_statement and tag.tokens[0].word == "if" for tag in tags):
            return ()
        given = frozenset().union(("loop",), *(targets(tag) for tag in tags))
        read = [self._read(read_by(tag)) for tag in tags if certain(read_by(tag))]
        return tuple(sorted(path for paths in read for path in paths if path[0] not in given))

    def _read(self, tokens: Sequence[Token]) -> Iterable[Path]:
        """Return the names an expression reads; none if it is no expression."""
        try:
            found = self._environment.undeclared_variables_in_str(
                f"{{{{ {joined(tokens)} }}}}", nested=True
            )
        except minijinja.TemplateError:
            return ()
        return [tuple(path.split(".")) for path in found - _NULL.keys()]

    def _kept(self, value: Any) -> Any:
        require_bounded(plain := value_of(value))
        return view_of(plain, self._meter)


def _factor(value: Any) -> Any:
    if isinstance(value, int | float | str):
        return value
    raise TemplateError("Only numbers and texts can be multiplied")


def _printed(value: Any) -> Any:
    """Return a value as it stands in a text: as JSON, and texts without quotes."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    return _to_json(value)


def _to_json(value: Any, indent: int | None = None) -> str:
    wide = None if indent is None else min(indent, INDENT_MAX)
    return json.dumps(value_of(value), ensure_ascii=False, indent=wide)


def _require_few(statements: Sequence[Tag]) -> None:
    if len(statements) > STATEMENTS_MAX:
        raise TemplateError(f"A template has at most {STATEMENTS_MAX} statements")


def _message_of(error: minijinja.TemplateError) -> str:
    if error.kind == "OutOfFuel":
        return "The template does too much work"
    if error.kind == "UndefinedError" and error.detail:
        return error.detail
    message = error.message.partition(" (in <")[0]
    return message[:1].upper() + message[1:]
