"""The order of refusal, for every route there is: 401, CSRF 403, 403, then the rest."""

from collections.abc import Iterator

import pytest
from litestar.routes import HTTPRoute

from orbiter.adapters.http.access import PERMISSION, PUBLIC
from orbiter.adapters.http.app import routes_within
from orbiter.domain.identity import Permission, Role, permissions_of
from support.api import Api, Caller

SOME_ID = "019ad2f1-5b0e-7c2a-9a44-1f0e6a1c9b11"
# Everybody's own, whatever the role.
OWN = {Permission.ACCOUNT_READ, Permission.ACCOUNT_WRITE, Permission.NOTIFICATIONS_WRITE}


def guarded_routes(api: Api) -> Iterator[tuple[str, str, Permission]]:
    for route in routes_within(api.container.app()).routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            (method,) = handler.http_methods if len(handler.http_methods) == 1 else ("OPTIONS",)
            if method != "OPTIONS" and not handler.opt.get(PUBLIC):
                path = route.path_format.removeprefix("/api/v1")
                for name in route.path_parameters:
                    path = path.replace(f"{{{name}}}", "1" if name == "number" else SOME_ID)
                yield method, path, handler.opt[PERMISSION]


async def test_nobody_gets_anywhere_without_a_credential(api: Api) -> None:
    nobody = api.caller()
    routes = list(guarded_routes(api))
    assert len(routes) > 30
    for method, path, _ in routes:
        refused = await nobody.send(method, path)
        assert refused.status_code == 401, (method, path)
        assert refused.json()["error"]["code"] == "UNAUTHORIZED"


async def test_no_session_changes_anything_without_its_csrf_token(api: Api) -> None:
    admin, other = await api.admin(), await api.admin()
    for token in (None, "", "nonsense", other.csrf):
        admin.csrf = token
        for method, path, _ in guarded_routes(api):
            if method != "GET":
                refused = await admin.send(method, path)
                assert (refused.status_code, path) == (403, path)


async def test_a_viewer_is_refused_every_route_that_changes(api: Api) -> None:
    admin = await api.admin()
    viewer = await api.member(admin, "viewer")
    for method, path, permission in guarded_routes(api):
        if permission in OWN:
            continue
        answer = await viewer.send(method, path)
        assert (answer.status_code == 403) == (method != "GET" or path == "/audit-log"), path


@pytest.mark.parametrize("role", Role)
async def test_every_route_follows_the_roles_permissions(api: Api, role: Role) -> None:
    admin = await api.admin()
    caller = await api.member(admin, role)
    for method, path, permission in guarded_routes(api):
        if permission in OWN:
            continue
        answer = await caller.send(method, path)
        denied = permission not in permissions_of(role)
        assert (answer.status_code == 403) == denied, (method, path, answer.text)


async def a_key(admin: Caller, api: Api, *scopes: str) -> Caller:
    body = {"name": "k", "scopes": list(scopes)} if scopes else {"name": "k"}
    made = await admin.post("/api-keys", body)
    assert made.status_code == 201, made.text
    return api.caller(made.json()["key"])


async def test_a_key_opens_ci_alone_by_default(api: Api) -> None:
    key = await a_key(await api.admin(), api)
    for method, path, _ in guarded_routes(api):
        answer = await key.send(method, path)
        assert (answer.status_code != 403) == path.startswith("/ci/"), (method, path, answer.text)


async def test_a_key_with_scopes_needs_no_csrf_token(api: Api) -> None:
    key = await a_key(await api.admin(), api, "read", "write")
    made = await key.post("/projects", {"name": "by key"})
    assert made.status_code == 201
    assert (await key.get(f"/projects/{made.json()['id']}")).status_code == 200


async def test_a_key_that_only_reads_changes_nothing(api: Api) -> None:
    key = await a_key(await api.admin(), api, "read")
    assert (await key.get("/projects")).status_code == 200
    assert (await key.post("/projects", {"name": "x"})).status_code == 403


@pytest.mark.parametrize("key", ["", "orb_", "orb_nonsense", "nonsense", "\xe9"])
async def test_a_bad_key_is_refused_even_beside_a_good_session(api: Api, key: str) -> None:
    admin = await api.admin()
    refused = await admin.get("/projects", headers={"X-API-Key": key.encode("latin-1")})
    assert refused.status_code == 401


async def test_refusals_stand_in_the_audit_log(api: Api) -> None:
    admin = await api.admin()
    viewer, developer = await api.member(admin, "viewer"), await api.member(admin, "developer")
    developer.csrf = "forged"
    for refused in (viewer, developer):
        assert (await refused.post("/projects", {"name": "x"})).status_code == 403
        query = f"actor={refused.user['id']}&action=access.refused&entity_type=project"
        assert (await admin.get(f"/audit-log?{query}")).json()["pagination"]["total"] == 1
