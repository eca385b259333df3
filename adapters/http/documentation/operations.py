"""One operation of the document, completed from what its route states."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Final

from litestar.handlers import HTTPRouteHandler

from orbiter.adapters.http.access import PERMISSION, RATE
from orbiter.adapters.http.documentation import headers, refusals
from orbiter.adapters.http.documentation.about import API_KEY, CSRF, SESSION
from orbiter.adapters.http.documentation.examples import Examples, not_null
from orbiter.adapters.http.documentation.words import EVENTS
from orbiter.adapters.http.idempotency import REPEATABLE
from orbiter.adapters.http.streams import EVENT_STREAM, STREAMS
from orbiter.domain.identity import GRANTED, Permission

_MUTATING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_MEANINGS: Final = {
    "200": "Done.",
    "201": "Created.",
    "202": "Accepted, not finished.",
    "204": "Done; there is nothing to return.",
}
# By where a parameter stands; an `Idempotency-Key` stands nowhere, being a reference.
_REFUSED_BY: Final = {"path": {404}, "query": {400}, "": {400, 409}}


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path: its *handler*, and *content*, which is completed in place."""

    method: str
    handler: HTTPRouteHandler
    content: dict[str, Any]

    @property
    def is_conditional(self) -> bool:
        """Say whether it takes `If-Match`."""
        return self._takes("If-Match")

    @property
    def answered(self) -> str | None:
        """Return the reference of the schema it usually answers with."""
        _, usual = self._usual()
        schema = usual.get("content", {}).get("application/json", {}).get("schema", {})
        found: str | None = schema.get("$ref")
        return found

    def complete(self, examples: Examples, *, has_etag: bool) -> None:
        """Say what Litestar can't know."""
        self._tell()
        self.content["security"] = self._security()
        self.content["parameters"] = self._parameters(examples)
        if "requestBody" in self.content:
            _take_body(self.content["requestBody"], examples)
        answers = self._answers()
        for status, response in answers.items():
            response["description"] = self.handler.response_description or _MEANINGS[status]
            response["headers"] = self._headers(answers, has_etag)
            for media in response.get("content", {}).values():
                media["example"] = examples.answer(media["schema"], status)
            if status == "200" and STREAMS in self.handler.opt:
                response["content"][EVENT_STREAM] = {
                    "schema": {"type": "string"},
                    "example": EVENTS,
                }
        refused = {str(status): refusals.reference(status) for status in sorted(self._refusals())}
        self.content["responses"] = {**answers, **refused}

    def _takes(self, header: str) -> bool:
        return any(each.get("name") == header for each in self.content.get("parameters", ()))

    @property
    def _permission(self) -> Permission | None:
        return self.handler.opt.get(PERMISSION)

    @property
    def _is_counted(self) -> bool:
        return self._permission is not None or RATE in self.handler.opt

    def _tell(self) -> None:
        told = self.handler.description or cleandoc(self.handler.fn.__doc__ or "")
        self.content["summary"] = self.handler.summary or told.partition("\n")[0].removesuffix(".")
        self.content["description"] = f"{told}\n\n{self._admitted()}"

    def _admitted(self) -> str:
        if self._permission is None:
            return "Needs no authentication."
        roles = [role.value for role, granted in GRANTED.items() if self._permission in granted]
        return f"Needs the permission `{self._permission}`, held by {', '.join(roles)}."

    def _told(self) -> Iterator[str]:
        """Yield the statuses the description speaks of: they can happen."""
        yield from re.findall(r"\b[245]\d\d\b", self.content["description"])

    def _security(self) -> list[dict[str, list[str]]]:
        if self._permission is None:
            return []
        browser = [SESSION, CSRF] if self.method in _MUTATING else [SESSION]
        return [{name: [] for name in browser}, {API_KEY: []}]

    def _parameters(self, examples: Examples) -> list[dict[str, Any]]:
        stated: list[dict[str, Any]] = self.content.get("parameters", [])
        for each in stated:
            # What is left out of an address or a header is absent, never null.
            each["schema"] = {**not_null(each["schema"])}
            each.setdefault("description", _meaning(each))
            # Swagger UI sends the example of what may as well be left out.
            if each["required"]:
                each["example"] = examples.of(each["schema"], name=each["name"])
        if self.method == "POST" and self.handler.opt.get(REPEATABLE, True):
            return [*stated, headers.parameter(headers.IDEMPOTENCY_KEY)]
        return stated

    def _usual(self) -> tuple[str, dict[str, Any]]:
        responses: dict[str, dict[str, Any]] = self.content["responses"]
        return next(each for each in responses.items() if each[0] < "400")

    def _answers(self) -> dict[str, dict[str, Any]]:
        status, usual = self._usual()
        statuses = {status, *(each for each in self._told() if each in _MEANINGS)}
        answers = {each: deepcopy(usual) for each in sorted(statuses)}
        if "204" in answers:
            answers["204"].pop("content", None)
        return answers

    def _headers(self, answers: dict[str, Any], has_etag: bool) -> dict[str, Any]:
        names = ["X-Request-ID", *(headers.RATE_LIMIT if self._is_counted else ())]
        if "201" in answers or {"200", "202"} <= answers.keys():
            names.append("Location")
        if self._takes("Prefer"):
            names.append("Preference-Applied")
        if has_etag:
            names.append("ETag")
        return headers.references(*names)

    def _refusals(self) -> set[int]:
        found = {int(status) for status in self._told() if int(status) in refusals.REFUSALS}
        found |= {500, 503}
        if self._is_counted:
            found.add(429)
        if self._permission is not None:
            found |= {401, 403}
        for each in self.content["parameters"]:
            found |= _REFUSED_BY.get(each.get("in", ""), set())
        if self.handler.parsed_data_field is not None:
            found |= {400, 413, 415, 422}
        return found


def _meaning(parameter: dict[str, Any]) -> str:
    name = parameter["name"]
    words = name.replace("_", " ")
    if parameter["in"] == "path":
        return f"The id of the {words.removesuffix(' id')}."
    return f"Only what has this {words}."


def _take_body(body: dict[str, Any], examples: Examples) -> None:
    for media in body["content"].values():
        wanted = not_null(media["schema"])
        body["required"] = wanted is media["schema"]
        media["schema"] = wanted
        media["example"] = examples.of(wanted)
