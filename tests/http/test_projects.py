"""Projects over HTTP."""

from support.api import Api

FIELDS = {
    "id",
    "name",
    "description",
    "default_model",
    "created_by",
    "created_at",
    "updated_at",
}


async def test_a_project_lives_from_post_to_delete(api: Api) -> None:
    admin = await api.admin()
    made = await admin.post("/projects", {"name": "Apollo", "description": "To the moon"})
    assert (made.status_code, set(made.json())) == (201, FIELDS)
    path = f"/projects/{made.json()['id']}"
    assert (await admin.get(path)).json() == made.json()
    assert (await admin.get("/projects")).json()["data"] == [made.json()]
    changed = (await admin.put(path, {"name": "Gemini"})).json()
    assert (changed["name"], changed["description"]) == ("Gemini", "To the moon")
    gone = await admin.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await admin.get(path)).status_code == 404
    assert (await admin.delete(path)).status_code == 404


async def test_another_workspace_can_do_nothing_with_it(api: Api) -> None:
    admin, stranger = await api.admin(), await api.admin()
    path = f"/projects/{await admin.project()}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.put(path, {"name": "mine"})).status_code == 404
    assert (await stranger.delete(path)).status_code == 404
    assert (await stranger.get("/projects")).json()["pagination"]["total"] == 0
    assert (await admin.get(path)).json()["name"] == "Apollo"


async def test_a_project_that_holds_things_is_deleted_only_with_them(api: Api) -> None:
    admin = await api.admin()
    project = await admin.project()
    flow = await admin.workflow(project)
    run = await admin.post(f"/workflows/{flow['id']}/run?wait=10", {"inputs": {"name": "Ada"}})
    refused = await admin.delete(f"/projects/{project}")
    assert refused.status_code == 409
    assert refused.json()["error"]["details"] == {"dependents": {"workflows": 1, "runs": 1}}
    assert (await admin.delete(f"/projects/{project}?cascade=true")).status_code == 204
    for path in (f"/workflows/{flow['id']}", f"/runs/{run.json()['id']}", f"/projects/{project}"):
        assert (await admin.get(path)).status_code == 404
