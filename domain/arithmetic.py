"""Arithmetic that anybody may ask for: bounded, and without anything of Python's but numbers."""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Final

EXPRESSION_MAX: Final = 1000
BITS_MAX: Final = 1024  # whole numbers reach as far as fractions do

Number = int | float

_TOO_LARGE: Final = "The result is too large"
_POWER_SIGN: Final = "Powers are written **, as in 2 ** 10"


class NotWorkedOut(Exception):
    """An expression that is none, or has no result; the message says why."""


def worked_out(expression: str) -> Number:
    """Return the value of an expression, or raise NotWorkedOut.

    It has numbers, `+ - * / // % **`, parentheses, `pi`, `e`, and calls of the functions below.
    Whole numbers stay exact, and have up to 1024 bits on the way, too.
    """
    if len(expression) > EXPRESSION_MAX:
        raise NotWorkedOut(f"An expression has at most {EXPRESSION_MAX} characters")
    try:
        return _value(_parsed(expression))
    except ZeroDivisionError:
        raise NotWorkedOut("There is a division by zero") from None
    except OverflowError:
        raise NotWorkedOut(_TOO_LARGE) from None
    except RecursionError:
        raise NotWorkedOut("The expression nests too deeply") from None
    except ValueError:
        raise NotWorkedOut("A function is not defined for such a number") from None


def _parsed(expression: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            # About what is doubtful, such as `1 (2)`; it is not for the server's log.
            warnings.simplefilter("ignore")
            return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, MemoryError, RecursionError, ValueError):
        raise NotWorkedOut("That is no arithmetic expression") from None


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=bool() | complex()):
            pass
        case ast.Constant(value=int() | float() as number):
            return _bounded(number)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub() as sign, operand=operand):
            value = _value(operand)
            return -value if isinstance(sign, ast.USub) else value
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _bounded(_OPERATORS[type(sign)](_value(left), _value(right)))
        case ast.BinOp(op=ast.BitXor()):
            raise NotWorkedOut(_POWER_SIGN)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _called(name, [_value(each) for each in arguments])
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            raise NotWorkedOut(f"'{name}' is not known here, or not used so; known are {_KNOWN}")
    raise NotWorkedOut("Only numbers, + - * / // % **, parentheses and functions can be worked out")


def _bounded(number: Number | complex) -> Number:
    if isinstance(number, complex):
        raise NotWorkedOut("There is no real result")
    if isinstance(number, int):
        if number.bit_length() > BITS_MAX:
            raise NotWorkedOut(_TOO_LARGE)
    elif not math.isfinite(number):
        raise NotWorkedOut(_TOO_LARGE)
    return number


def _called(name: str, values: Sequence[Number]) -> Number:
    function, least, most = _FUNCTIONS[name]
    if not least <= len(values) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise NotWorkedOut(f"'{name}' takes {wanted} numbers, not {len(values)}")
    return _bounded(function(*values))


def _power(base: Number, exponent: Number) -> Number | complex:
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1:
        # Known beforehand, because working it out may take for ever.
        if exponent > 0 and (base.bit_length() - 1) * exponent > BITS_MAX:
            raise NotWorkedOut(_TOO_LARGE)
        if exponent < -BITS_MAX * 2:
            return 0.0
    result: Number | complex = base**exponent
    return result


def _rounded(number: Number, digits: Number = 0) -> Number:
    if not isinstance(digits, int) or abs(digits) > EXPRESSION_MAX:
        raise NotWorkedOut("'round' takes a whole number of digits, up to 1000")
    return round(number, digits) if digits else round(number)


_CONSTANTS: Final[Mapping[str, float]] = {"pi": math.pi, "e": math.e}
_OPERATORS: Final[Mapping[type[ast.operator], Callable[[Number, Number], Number | complex]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_MANY: Final = EXPRESSION_MAX
# Each with the least and the most numbers it takes.
_FUNCTIONS: Final[Mapping[str, tuple[Callable[..., Number | complex], int, int]]] = {
    "abs": (abs, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "cos": (math.cos, 1, 1),
    "exp": (math.exp, 1, 1),
    "floor": (math.floor, 1, 1),
    "log": (math.log, 1, 2),
    "log10": (math.log10, 1, 1),
    "max": (lambda *numbers: max(numbers), 1, _MANY),
    "min": (lambda *numbers: min(numbers), 1, _MANY),
    "pow": (_power, 2, 2),
    "round": (_rounded, 1, 2),
    "sin": (math.sin, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
    "tan": (math.tan, 1, 1),
}
_KNOWN: Final = ", ".join([*_CONSTANTS, *_FUNCTIONS])
