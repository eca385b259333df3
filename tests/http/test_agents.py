"""Agents over HTTP: what they are set to, their versions, and who may touch them."""

from typing import Any, Final

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from support.api import Api, Caller

TOOL: Final = next(iter(BUILTIN_TOOLS))
DEFAULTS: Final[dict[str, Any]] = {
    "description": None,
    "status": "draft",
    "instructions": None,
    "model": None,
    "temperature": None,
    "top_p": None,
    "max_tokens": None,
    "max_turns": 10,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "knowledge_bases": [],
    "sub_agents": [],
    "handoffs": [],
    "memory": {"type": "conversation", "window": 20},
    "output_schema": None,
    "guardrails": {
        "max_input_chars": None,
        "max_output_chars": None,
        "blocked_patterns": [],
        "redact_pii": [],
    },
    "version": 1,
}
SET: Final[dict[str, Any]] = {
    "description": "Answers",
    "status": "active",
    "instructions": "Be brief.",
    "model": "openai:gpt-4o",
    "temperature": 0.5,
    "top_p": 0.9,
    "max_tokens": 100,
    "max_turns": 3,
    "parallel_tool_calls": False,
    "tool_choice": {"name": "calculator"},
    "tools": [TOOL],
    "memory": {"type": "window", "window": 4},
    "output_schema": {"type": "object", "properties": {"b": {}, "a": {}}},
    "guardrails": {
        "max_input_chars": 10,
        "max_output_chars": 20,
        "blocked_patterns": ["secret"],
        "redact_pii": ["email", "iban"],
    },
}


def wrong(answer: Any) -> dict[str, str]:
    """Return the wrong fields of a refused body."""
    assert answer.status_code == 422, answer.text
    fields = answer.json()["error"]["details"]["fields"]
    return {each["field"]: each["type"] for each in fields}


async def bare(caller: Caller, **more: Any) -> dict[str, Any]:
    """Create an agent with nothing but a name."""
    body = {"project_id": await caller.project(), "name": "Desk", **more}
    answer = await caller.post("/agents", body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/agents/{made['id']}"
    assert answer.headers["etag"] == '"1"'
    return made


async def test_a_name_and_a_project_are_enough(api: Api) -> None:
    admin = await api.admin()
    made = await bare(admin)
    given = {"id", "project_id", "name", "created_by", "created_at", "updated_at"}
    assert made.keys() == DEFAULTS.keys() | given
    assert {name: made[name] for name in DEFAULTS} == DEFAULTS
    assert (made["name"], made["created_by"]) == ("Desk", admin.user["id"])
    shown = await admin.get(f"/agents/{made['id']}")
    assert (shown.json(), shown.headers["etag"]) == (made, '"1"')


async def test_everything_that_is_set_comes_back(api: Api) -> None:
    admin = await api.admin()
    other = await bare(admin)
    chosen = {**SET, "sub_agents": [other["id"]], "handoffs": [other["id"]]}
    made = await bare(admin, **chosen)
    assert {name: made[name] for name in chosen} == chosen
    assert list(made["output_schema"]["properties"]) == ["b", "a"]
    again = await admin.put(f"/agents/{other['id']}", chosen)
    assert {name: again.json()[name] for name in chosen} == chosen
    assert (again.json()["version"], again.headers["etag"]) == (2, '"2"')


async def test_null_clears_and_what_is_absent_stays(api: Api) -> None:
    admin = await api.admin()
    path = f"/agents/{(await bare(admin, **SET))['id']}"
    nullable = (
        "description",
        "instructions",
        "model",
        "temperature",
        "top_p",
        "max_tokens",
        "memory",
        "output_schema",
        "guardrails",
    )
    cleared = (await admin.put(path, dict.fromkeys(nullable))).json()
    assert {name: cleared[name] for name in nullable} == {name: DEFAULTS[name] for name in nullable}
    kept = [name for name in SET if name not in nullable]
    assert {name: cleared[name] for name in kept} == {name: SET[name] for name in kept}
    others = dict.fromkeys(set(SET) - set(nullable))
    assert wrong(await admin.put(path, others)).keys() == others.keys()


async def test_an_object_is_changed_as_a_whole(api: Api) -> None:
    admin = await api.admin()
    path = f"/agents/{(await bare(admin, **SET))['id']}"
    body = {"memory": {"type": "none"}, "guardrails": {"max_input_chars": 7}}
    changed = (await admin.put(path, body)).json()
    assert changed["memory"] == {"type": "none", "window": 20}
    assert changed["guardrails"] == {**DEFAULTS["guardrails"], "max_input_chars": 7}


BAD: Final = [
    ({"name": ""}, "name", "string_too_short"),
    ({"name": "n" * 256}, "name", "string_too_long"),
    ({"name": "a\0"}, "name", "value_error"),
    ({"description": "d" * 5001}, "description", "string_too_long"),
    ({"instructions": "i" * 100_001}, "instructions", "string_too_long"),
    ({"instructions": "a\0"}, "instructions", "value_error"),
    ({"status": "done"}, "status", "enum"),
    ({"model": "gpt-4o"}, "model", "value_error"),
    ({"model": ""}, "model", "string_too_short"),
    ({"temperature": 2.1}, "temperature", "less_than_equal"),
    ({"temperature": -0.1}, "temperature", "greater_than_equal"),
    ({"temperature": "hot"}, "temperature", "float_type"),
    ({"top_p": 1.1}, "top_p", "less_than_equal"),
    ({"max_tokens": 0}, "max_tokens", "greater_than_equal"),
    ({"max_tokens": 1.5}, "max_tokens", "int_type"),
    ({"max_turns": 0}, "max_turns", "greater_than_equal"),
    ({"max_turns": 101}, "max_turns", "less_than_equal"),
    ({"parallel_tool_calls": "yes"}, "parallel_tool_calls", "bool_type"),
    ({"tool_choice": "some"}, "tool_choice", "enum"),
    ({"tool_choice": {}}, "tool_choice.name", "missing"),
    ({"tool_choice": {"name": 1}}, "tool_choice.name", "string_type"),
    ({"tools": "calculator"}, "tools", "list_type"),
    ({"tools": [1]}, "tools.0", "string_type"),
    ({"tools": ["nothing"]}, "tools.0", "value_error"),
    ({"tools": [TOOL, TOOL]}, "tools.1", "value_error"),
    ({"tools": [TOOL] * 129}, "tools", "too_long"),
    ({"knowledge_bases": [new_id()]}, "knowledge_bases.0", "value_error"),
    ({"sub_agents": [new_id()]}, "sub_agents.0", "value_error"),
    ({"handoffs": ["\0"]}, "handoffs.0", "value_error"),
    ({"memory": {"type": "long"}}, "memory.type", "enum"),
    ({"memory": {"window": 0}}, "memory.window", "greater_than_equal"),
    ({"memory": {"window": 1001}}, "memory.window", "less_than_equal"),
    ({"memory": {"size": 1}}, "memory.size", "extra_forbidden"),
    ({"output_schema": {"type": "nonsense"}}, "output_schema", "value_error"),
    ({"output_schema": {"$ref": "https://a.test/b"}}, "output_schema", "value_error"),
    ({"output_schema": "text"}, "output_schema", "dict_type"),
    ({"guardrails": {"max_input_chars": 0}}, "guardrails.max_input_chars", "greater_than_equal"),
    ({"guardrails": {"max_output_chars": 0}}, "guardrails.max_output_chars", "greater_than_equal"),
    ({"guardrails": {"blocked_patterns": ["("]}}, "guardrails.blocked_patterns.0", "value_error"),
    (
        {"guardrails": {"blocked_patterns": ["a", r"(a)\1"]}},
        "guardrails.blocked_patterns.1",
        "value_error",
    ),
    (
        {"guardrails": {"blocked_patterns": ["a", "a"]}},
        "guardrails.blocked_patterns.1",
        "value_error",
    ),
    ({"guardrails": {"redact_pii": ["name"]}}, "guardrails.redact_pii.0", "enum"),
    (
        {"guardrails": {"redact_pii": ["email", "email"]}},
        "guardrails.redact_pii.1",
        "value_error",
    ),
    ({"version": 3}, "version", "extra_forbidden"),
    ({"id": new_id()}, "id", "extra_forbidden"),
]


@pytest.mark.parametrize(("fields", "field", "type"), BAD)
async def test_what_is_wrong_is_told(
    api: Api, fields: dict[str, Any], field: str, type: str
) -> None:
    admin = await api.admin()
    body = {"project_id": await admin.project(), "name": "Desk", **fields}
    assert wrong(await admin.post("/agents", body)) == {field: type}
    path = f"/agents/{(await bare(admin))['id']}"
    assert wrong(await admin.put(path, fields)) == {field: type}
    shown = (await admin.get(path)).json()
    assert {name: shown[name] for name in DEFAULTS} == DEFAULTS
    assert (await admin.get("/agents")).json()["pagination"]["total"] == 1


async def test_everything_that_is_wrong_is_told_at_once(api: Api) -> None:
    admin = await api.admin()
    body = {
        "project_id": new_id(),
        "model": "gpt-4o",
        "temperature": 9,
        "tools": [TOOL, new_id(), TOOL],
        "sub_agents": [new_id()],
        "memory": {"type": "long", "window": 0},
        "guardrails": {"blocked_patterns": ["a", {}, "a"]},
        "more": 1,
    }
    assert wrong(await admin.post("/agents", body)) == {
        "project_id": "value_error",
        "name": "missing",
        "model": "value_error",
        "temperature": "less_than_equal",
        "tools.1": "value_error",
        "tools.2": "value_error",
        "sub_agents.0": "value_error",
        "memory.type": "enum",
        "memory.window": "greater_than_equal",
        "guardrails.blocked_patterns.1": "string_type",
        "guardrails.blocked_patterns.2": "value_error",
        "more": "extra_forbidden",
    }


async def test_what_another_workspace_has_is_not_to_be_referred_to(api: Api) -> None:
    admin, stranger = await api.admin(), await api.admin()
    theirs = await bare(stranger)
    body = {
        "project_id": theirs["project_id"],
        "name": "x",
        "sub_agents": [theirs["id"]],
        "handoffs": [theirs["id"]],
    }
    fields = {"project_id", "sub_agents.0", "handoffs.0"}
    assert wrong(await admin.post("/agents", body)) == dict.fromkeys(fields, "value_error")
    assert wrong(await admin.post("/agents", {**body, "more": 1})).keys() == fields | {"more"}


async def test_what_was_deleted_may_stay_and_not_come_back(api: Api) -> None:
    admin = await api.admin()
    helper = await bare(admin)
    made = await bare(admin, sub_agents=[helper["id"]])
    assert (await admin.delete(f"/agents/{helper['id']}")).status_code == 204
    kept = await admin.put(f"/agents/{made['id']}", {"sub_agents": [helper["id"]], "max_turns": 2})
    assert (kept.status_code, kept.json()["sub_agents"]) == (200, [helper["id"]])
    await admin.put(f"/agents/{made['id']}", {"sub_agents": []})
    refused = await admin.put(f"/agents/{made['id']}", {"sub_agents": [helper["id"]]})
    assert wrong(refused) == {"sub_agents.0": "value_error"}


async def test_agents_are_listed_by_project_and_status(api: Api) -> None:
    admin = await api.admin()
    first = await bare(admin, status="active")
    second = await bare(admin, project_id=first["project_id"])
    third = await bare(admin, status="active")
    for query, expected in (
        ("", [third, second, first]),
        (f"?project_id={first['project_id']}", [second, first]),
        ("?status=active", [third, first]),
        (f"?project_id={first['project_id']}&status=active", [first]),
        (f"?project_id={new_id()}", []),
        ("?project_id=nonsense", []),
        ("?status=active&order=asc", [first, third]),
    ):
        page = (await admin.get(f"/agents{query}")).json()
        assert page["data"] == expected
        assert page["pagination"]["total"] == len(expected)
    assert (await admin.get("/agents?status=done")).status_code == 400


async def test_a_stale_change_is_refused(api: Api) -> None:
    admin = await api.admin()
    path = f"/agents/{(await bare(admin))['id']}"
    first = await admin.put(path, {"name": "A"}, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    stale = await admin.put(path, {"name": "B"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "CONFLICT")
    assert (await admin.get(path)).json()["name"] == "A"


async def test_every_change_of_what_it_does_makes_a_version(api: Api) -> None:
    admin = await api.admin()
    made = await bare(admin, instructions="one")
    path = f"/agents/{made['id']}"
    steps = [
        ({"status": "active"}, 1),
        ({"project_id": await admin.project()}, 1),
        ({"instructions": "one"}, 1),
        ({"instructions": "two"}, 2),
        ({"name": "Table"}, 3),
        ({"tools": [TOOL], "status": "archived"}, 4),
    ]
    for fields, version in steps:
        assert (await admin.put(path, fields)).json()["version"] == version, fields
    page = (await admin.get(f"{path}/versions?limit=3")).json()
    assert [each["version"] for each in page["data"]] == [4, 3, 2]
    cursor = page["pagination"]["next_cursor"]
    (first,) = (await admin.get(f"{path}/versions?limit=3&cursor={cursor}")).json()["data"]
    assert first == (await admin.get(f"{path}/versions/1")).json()
    assert first.keys() == (DEFAULTS.keys() - {"status"}) | {
        "agent_id",
        "name",
        "created_by",
        "created_at",
    }
    assert (first["name"], first["instructions"]) == ("Desk", "one")
    restored = await admin.post(f"{path}/versions/1/restore")
    shown = restored.json()
    assert (restored.status_code, shown["version"]) == (200, 5)
    assert (shown["name"], shown["instructions"], shown["tools"]) == ("Desk", "one", [])
    assert shown["status"] == "archived"
    assert restored.headers["etag"] == '"8"'
    for number in (0, 9, 2**40):
        assert (await admin.get(f"{path}/versions/{number}")).status_code == 404
        assert (await admin.post(f"{path}/versions/{number}/restore")).status_code == 404


async def test_a_copy_is_a_draft_that_stands_alone(api: Api) -> None:
    admin = await api.admin()
    made = await bare(admin, **SET)
    await admin.put(f"/agents/{made['id']}", {"name": "n" * 255})
    copy = await admin.post(f"/agents/{made['id']}/duplicate")
    shown = copy.json()
    assert (copy.status_code, copy.headers["etag"]) == (201, '"1"')
    assert copy.headers["location"] == f"/api/v1/agents/{shown['id']}"
    assert shown["name"] == "n" * 248 + " (copy)"
    assert (shown["status"], shown["version"]) == ("draft", 1)
    same = SET.keys() - {"status"}
    assert {name: shown[name] for name in same} == {name: SET[name] for name in same}
    await admin.delete(f"/agents/{made['id']}")
    assert (await admin.get(f"/agents/{shown['id']}/versions/1")).status_code == 200


async def test_another_workspace_can_do_nothing_with_it(api: Api) -> None:
    admin, stranger = await api.admin(), await api.admin()
    path = f"/agents/{(await bare(admin))['id']}"
    answers = [
        await stranger.get(path),
        await stranger.put(path, {"name": "mine"}),
        await stranger.put(path, {"temperature": "hot"}),
        await stranger.delete(path),
        await stranger.post(f"{path}/duplicate"),
        await stranger.get(f"{path}/versions"),
        await stranger.get(f"{path}/versions/1"),
        await stranger.post(f"{path}/versions/1/restore"),
        await stranger.post(f"{path}/run", {"input": "hi"}),
        await stranger.post(f"{path}/run", {}),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert (await stranger.get("/agents")).json()["data"] == []
    assert (await stranger.get("/runs")).json()["pagination"]["total"] == 0
    assert (await admin.get(path)).json()["name"] == "Desk"


async def test_a_viewer_looks_and_touches_nothing(api: Api) -> None:
    admin = await api.admin()
    viewer = await api.member(admin, "viewer")
    path = f"/agents/{(await bare(admin))['id']}"
    for looked_at in ("/agents", path, f"{path}/versions", f"{path}/versions/1"):
        assert (await viewer.get(looked_at)).status_code == 200
    answers = [
        await viewer.post("/agents", {}),
        await viewer.put(path, {}),
        await viewer.delete(path),
        await viewer.post(f"{path}/duplicate"),
        await viewer.post(f"{path}/versions/1/restore"),
        await viewer.post(f"{path}/run", {}),
    ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)


async def test_a_repeated_request_makes_one_agent(api: Api) -> None:
    developer = await api.member(await api.admin(), "developer")
    body = {"project_id": await developer.project(), "name": "Desk"}
    headers = {"Idempotency-Key": "once"}
    first = await developer.post("/agents", body, headers=headers)
    second = await developer.post("/agents", body, headers=headers)
    assert (first.status_code, second.json()) == (201, first.json())
    path = f"/agents/{first.json()['id']}/duplicate"
    copies = [await developer.post(path, headers={"Idempotency-Key": "copy"}) for _ in range(2)]
    assert copies[0].json() == copies[1].json()
    assert (await developer.get("/agents")).json()["pagination"]["total"] == 2


async def test_a_project_tells_of_its_agents_before_it_goes(api: Api) -> None:
    admin = await api.admin()
    made = await bare(admin)
    path = f"/projects/{made['project_id']}"
    refused = await admin.delete(path)
    assert (refused.status_code, refused.json()["error"]["details"]) == (
        409,
        {"dependents": {"agents": 1}},
    )
    assert (await admin.delete(f"{path}?cascade=true")).status_code == 204
    assert (await admin.get(f"/agents/{made['id']}")).status_code == 404
    assert (await admin.get(f"/agents/{made['id']}/versions/1")).status_code == 404


async def test_what_was_done_to_agents_is_audited(api: Api) -> None:
    admin = await api.admin()
    made = await bare(admin)
    path = f"/agents/{made['id']}"
    await admin.put(path, {"name": "B"})
    await admin.post(f"{path}/versions/1/restore")
    await admin.delete(path)
    log = (await admin.get(f"/audit-log?entity_id={made['id']}")).json()["data"]
    assert [each["action"] for each in reversed(log)] == [
        "agent.created",
        "agent.updated",
        "agent.restored",
        "agent.deleted",
    ]
    assert {each["entity_type"] for each in log} == {"agent"}
