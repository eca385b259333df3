"""JMESPath, within bounds."""

from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import Options, TreeInterpreter

from orbiter.adapters.templating.meter import Meter, require_bounded
from orbiter.application.ports.templating import Context, TemplateError

EXPRESSION_MAX: Final = 4096


def pick(expression: str, context: Context) -> Any:
    """Return what a JMESPath expression finds in the context, null where there is nothing."""
    if len(expression) > EXPRESSION_MAX:
        raise TemplateError(f"An expression has at most {EXPRESSION_MAX} characters")
    try:
        tree = jmespath.compile(expression).parsed
        return MeteredInterpreter().visit(tree, context)
    except JMESPathError as error:
        raise TemplateError(f"JMESPath: {' '.join(str(error).split())}") from None
    except (RecursionError, TypeError, ValueError, AttributeError) as error:
        raise TemplateError(f"JMESPath: {error}") from None


class MeteredInterpreter(TreeInterpreter):
    """An interpreter that counts the nodes it visits and weighs what it makes."""

    def __init__(self) -> None:
        super().__init__(Options())
        self._meter = Meter()

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """Visit a node; raise TemplateError when there were too many."""
        self._meter.count()
        return super().visit(node, *args, **kwargs)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        """Flatten a list that is not too large."""
        return _bounded(super().visit_flatten(node, value))

    def visit_multi_select_list(self, node: Any, value: Any) -> Any:
        """Make a list; made of the same things again and again, it would grow without end."""
        return _bounded(super().visit_multi_select_list(node, value))

    def visit_multi_select_dict(self, node: Any, value: Any) -> Any:
        """Make an object; see `visit_multi_select_list`."""
        return _bounded(super().visit_multi_select_dict(node, value))


def _bounded(value: Any) -> Any:
    require_bounded(value)
    return value
