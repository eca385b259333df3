"""Every wrong field at once; and the slow path refuses exactly what the fast one refuses."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.http.accounts import Registration
from orbiter.adapters.http.api_keys import NewKey
from orbiter.adapters.http.ci import CiRun
from orbiter.adapters.http.projects import NewProject, ProjectUpdate
from orbiter.adapters.http.validation import problems_of
from orbiter.adapters.http.workflows import NewWorkflow
from support.api import Api

BODIES = (NewProject, ProjectUpdate, NewKey, CiRun, NewWorkflow, Registration)
NAMES = sorted({name for body in BODIES for name in body.__struct_fields__} | {"other"})
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["ci", "read", "draft", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["nodes", "edges", "id", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(BODIES), st.dictionaries(st.sampled_from(NAMES), values) | values)
def test_a_body_has_problems_exactly_when_it_does_not_decode(kind: type, body: Any) -> None:
    try:
        msgspec.json.decode(msgspec.json.encode(body), type=kind)
    except msgspec.ValidationError:
        assert problems_of(body, kind)
    else:
        assert [each for each in problems_of(body, kind) if each.type != "value_error"] == []


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (NewProject, {}, {"name": "missing"}),
        (NewProject, {"name": ""}, {"name": "string_too_short"}),
        (NewProject, {"name": "x" * 256}, {"name": "string_too_long"}),
        (NewProject, {"name": 5, "id": "x"}, {"name": "string_type", "id": "extra_forbidden"}),
        (NewProject, [], {"body": "model_type"}),
        (NewKey, {"name": "k", "scopes": ["root"]}, {"scopes.0": "enum"}),
        (NewKey, {"name": "k", "scopes": []}, {"scopes": "too_short"}),
        (NewKey, {"name": "k", "expires_at": "soon"}, {"expires_at": "datetime_parsing"}),
        (CiRun, {"workflow_id": "x", "wait_seconds": 61}, {"wait_seconds": "less_than_equal"}),
        (CiRun, {"workflow_id": "x", "wait_seconds": -1}, {"wait_seconds": "greater_than_equal"}),
        (CiRun, {"workflow_id": "x", "wait_seconds": 1.5}, {"wait_seconds": "int_type"}),
        (Registration, {"email": "x", "password": "y"}, None),
    ],
)
def test_problems_are_told_in_pydantics_words(
    kind: type, body: Any, expected: dict[str, str] | None
) -> None:
    told = {each.field: each.type for each in problems_of(body, kind)}
    assert told == (expected or {"email": "value_error", "password": "string_too_short"})


async def test_wrong_types_and_broken_rules_are_told_together(api: Api) -> None:
    admin = await api.admin()
    nodes = [{"id": "a", "type": "nonsense"}, {"id": "b", "type": "start", "on_error": "shrug"}]
    body = {"name": "", "project_id": 7, "canvas": {"nodes": nodes[:1]}, "valid": True}
    refused = await admin.post("/workflows", body)
    assert refused.status_code == 422
    assert {
        each["field"]: each["type"] for each in refused.json()["error"]["details"]["fields"]
    } == {
        "name": "string_too_short",
        "project_id": "string_type",
        "canvas.nodes.0.type": "enum",
        "valid": "extra_forbidden",
    }


async def test_a_wrong_type_in_a_canvas_hides_nothing_of_its_other_nodes(api: Api) -> None:
    admin = await api.admin()
    nodes = [
        {"id": 7, "type": "start"},
        {"id": "a", "type": "nonsense"},
        {"id": "b", "type": "template", "config": {"template": 5}},
        {"id": "c", "type": "end", "colour": "red"},
    ]
    body = {"name": "x", "project_id": await admin.project(), "canvas": {"nodes": nodes}}
    refused = await admin.post("/workflows", body)
    assert {
        each["field"]: each["type"] for each in refused.json()["error"]["details"]["fields"]
    } == {
        "canvas.nodes.0.id": "string_type",
        "canvas.nodes.1.type": "enum",
        "canvas.nodes.2.config.template": "string_type",
        "canvas.nodes.3.colour": "extra_forbidden",
    }
