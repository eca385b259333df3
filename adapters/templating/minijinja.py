"""Templates and expressions by MiniJinja, picking by JMESPath."""

import re
from typing import Any

import minijinja

from orbiter.application.ports.templating import Context, TemplateError

_SINGLE = re.compile(r"\s*\{\{(.*)\}\}\s*", re.S)


class MinijinjaTemplates:
    """The Templates port."""

    def __init__(self) -> None:
        self._environment = minijinja.Environment(fuel=100_000, undefined_behavior="strict")

    def render(self, template: Any, context: Context) -> Any:
        """Render every text inside of *template*."""
        if isinstance(template, str):
            return self._text(template, context)
        if isinstance(template, dict):
            return {key: self.render(value, context) for key, value in template.items()}
        if isinstance(template, list):
            return [self.render(value, context) for value in template]
        return template

    def evaluate(self, expression: str, context: Context) -> Any:
        """Return the value of a bare expression."""
        match = _SINGLE.fullmatch(expression)
        try:
            return self._environment.eval_expr(match[1] if match else expression, **context)
        except minijinja.TemplateError as error:
            raise TemplateError(error.detail or error.message) from None

    def pick(self, expression: str, context: Context) -> Any:
        import jmespath

        return jmespath.search(expression, context)

    def _text(self, template: str, context: Context) -> Any:
        match = _SINGLE.fullmatch(template)
        if match and "}}" not in match[1]:
            return self.evaluate(match[1], context)
        try:
            return self._environment.render_str(template, **context)
        except minijinja.TemplateError as error:
            raise TemplateError(error.detail or error.message) from None
