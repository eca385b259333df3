"""What a Python tool takes, read from its function's signature; nothing of it is run."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from orbiter.application.execution.tools.annotations import Unfit, or_none, schema_of
from orbiter.domain.code import UnreadableCode, parsed
from orbiter.domain.errors import FieldProblem, Invalid

FIELD: Final = "config.code"
_NAME: Final = re.compile(r"[a-zA-Z0-9_]{1,64}")
_WHOLE_MAX: Final = 2**63 - 1

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonFunction:
    """A function as a tool; *parameters* is a JSON Schema (2020-12) of type object."""

    name: str
    description: str
    parameters: Schema


def function_of(code: str) -> PythonFunction:
    """Return the one function of *code* whose name begins with no `_`, or raise Invalid.

    Each of its parameters has a type: int, float, str, bool, list, dict with keys of str, Literal,
    Any, and unions of these; Annotated describes it. Defaults are literals, and what is None by
    default may be None. All problems are told, each with its line.
    """
    try:
        tree = parsed(code)
    except UnreadableCode as unreadable:
        raise Invalid.field(FIELD, unreadable.message) from None
    function = _public(tree)
    signature = _Signature(function)
    if signature.problems:
        raise Invalid(signature.problems)
    return PythonFunction(
        name=function.name,
        description=ast.get_docstring(function) or "",
        parameters=signature.schema,
    )


def _public(tree: ast.Module) -> ast.FunctionDef:
    found = [
        each
        for each in tree.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        and not each.name.startswith("_")
    ]
    if not found:
        raise Invalid.field(FIELD, "There is no function; a tool is one, with types")
    if len(found) > 1:
        raise Invalid(
            [
                _problem("A tool is one function; begin the names of others with _", each)
                for each in found[1:]
            ]
        )
    if isinstance(found[0], ast.AsyncFunctionDef):
        raise Invalid([_problem("The function must be a plain one, not async", found[0])])
    return found[0]


@dataclass
class _Signature:
    """The parameters of *function* as a schema, as far as there are no *problems*."""

    function: ast.FunctionDef
    problems: list[FieldProblem] = field(default_factory=list)
    schema: Schema = field(init=False)

    def __post_init__(self) -> None:
        function = self.function
        if not _NAME.fullmatch(function.name):
            message = "The function's name may have letters of ASCII, digits and _, at most 64"
            self._complain(message, function)
        for decorator in function.decorator_list:
            self._complain("The function can't be decorated", decorator)
        self._refuse_what_has_no_name(function.args)
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for argument, default in _arguments(function.args):
            properties[argument.arg] = self._of(argument, default)
            if default is None:
                required.append(argument.arg)
        self.schema = {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    def _refuse_what_has_no_name(self, arguments: ast.arguments) -> None:
        for argument in arguments.posonlyargs:
            self._complain(f"'{argument.arg}' can't be given by name", argument)
        for rest in (arguments.vararg, arguments.kwarg):
            if rest is not None:
                self._complain(f"'{rest.arg}' stands for any number of parameters", rest)

    def _of(self, argument: ast.arg, default: ast.expr | None) -> Schema:
        schema: dict[str, Any] = {}
        if argument.annotation is None:
            self._complain(f"'{argument.arg}' has no type", argument)
        else:
            try:
                schema.update(schema_of(argument.annotation))
            except Unfit as unfit:
                self._complain(f"'{argument.arg}': {unfit}", argument)
        if default is not None:
            try:
                value = _literal(default)
            except ValueError:
                message = f"The default of '{argument.arg}' is no literal that JSON has"
                self._complain(message, default)
            else:
                schema = {**(or_none(schema) if value is None else schema), "default": value}
        return schema

    def _complain(self, message: str, where: ast.arg | ast.expr | ast.stmt) -> None:
        self.problems.append(_problem(message, where))


def _arguments(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Yield what is given by name, with its default."""
    places = [*arguments.posonlyargs, *arguments.args]
    missing = len(places) - len(arguments.defaults)
    for index, argument in enumerate(places):
        if index >= len(arguments.posonlyargs):
            yield argument, arguments.defaults[index - missing] if index >= missing else None
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def _literal(default: ast.expr) -> Any:
    try:
        value = ast.literal_eval(default)
    except (TypeError, SyntaxError, MemoryError, RecursionError):
        raise ValueError from None
    if not _is_json(value):
        raise ValueError
    return value


def _is_json(value: Any) -> bool:
    if isinstance(value, bool | str) or value is None:
        return True
    if isinstance(value, int):
        return abs(value) <= _WHOLE_MAX
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(each) for key, each in value.items())
    return False


def _problem(message: str, where: ast.arg | ast.expr | ast.stmt) -> FieldProblem:
    return FieldProblem(FIELD, f"{message} (line {where.lineno})")
