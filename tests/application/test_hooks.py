"""Hooks: made by those who may run, called by those who know the token and the secret."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.system.ids import new_id
from orbiter.application.hooks import NewHook
from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import AuditFilter
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.application.signatures import signature
from orbiter.domain.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from orbiter.domain.identity import Actor, Role, Scope, permissions_of
from orbiter.domain.runs import Trigger
from support.clock import START
from support.office import wrong_fields
from support.tenants import Tenant, settle
from support.triggers import Triggers, developer_of

SECRET = "ein Geheimnis, ö"
BODY = b'{"n": 1}'
NOW = str(int(START.timestamp()))


@pytest.fixture
def triggers() -> Triggers:
    return Triggers(MemoryStorage())


@pytest.fixture
async def tenant(triggers: Triggers) -> Tenant:
    return await settle(triggers.storage)


@pytest.fixture
def developer(tenant: Tenant) -> Actor:
    return developer_of(tenant)


async def a_hook(triggers: Triggers, tenant: Tenant, secret: str | None = None) -> NewHook:
    return await triggers.hooks.create(
        developer_of(tenant), workflow_id=tenant.workflow.id, name="Orders", secret=secret
    )


def token_of(made: NewHook) -> str:
    return made.url.rpartition("/")[2]


async def test_the_token_is_shown_once_and_kept_as_a_hash(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await a_hook(triggers, tenant)
    assert made.url.startswith("https://orbiter.test/api/v1/hooks/")
    assert len(token_of(made)) >= 43
    kept = await triggers.hooks.get(developer, made.hook.id)
    assert kept == made.hook == await triggers.hooks.by_token(token_of(made))
    assert token_of(made) not in repr(made) + kept.token_hash + kept.id


async def test_the_secret_is_kept_sealed(triggers: Triggers, tenant: Tenant) -> None:
    made = await a_hook(triggers, tenant, SECRET)
    assert made.hook.secret_set and made.hook.sealed_secret is not None
    assert SECRET.encode() not in made.hook.sealed_secret
    assert "secret" not in repr(made.hook)
    assert not (await a_hook(triggers, tenant)).hook.secret_set


async def test_a_call_starts_a_run_of_the_maker(triggers: Triggers, tenant: Tenant) -> None:
    made = await a_hook(triggers, tenant)
    triggers.clock.advance(timedelta(minutes=1))
    inputs = {"body": {"n": 1}, "headers": {}, "query": {}}
    run = await triggers.hooks.call(await triggers.hooks.by_token(token_of(made)), inputs)
    assert (run.trigger, run.inputs) == (Trigger.WEBHOOK, inputs)
    assert (run.created_by, run.workspace_id) == (tenant.user.id, tenant.id)
    assert await triggers.runs(tenant) == [run]
    kept = await triggers.hooks.by_token(token_of(made))
    assert kept.last_called_at == START + timedelta(minutes=1)


async def test_a_call_after_the_hook_was_deleted_starts_nothing(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await a_hook(triggers, tenant)
    known = await triggers.hooks.by_token(token_of(made))
    await triggers.hooks.remove(developer, known.id)
    with pytest.raises(NotFound, match="Hook"):
        await triggers.hooks.call(known, {})
    with pytest.raises(NotFound, match="Hook"):
        await triggers.hooks.by_token(token_of(made))
    assert await triggers.runs(tenant) == []


@pytest.mark.parametrize("token", ["", "x", "\0", "\ud800", "ü" * 1000])
async def test_an_unknown_token_is_not_found(triggers: Triggers, token: str) -> None:
    with pytest.raises(NotFound, match="Hook not found"):
        await triggers.hooks.by_token(token)


async def test_a_well_signed_call_is_let_through(triggers: Triggers, tenant: Tenant) -> None:
    hook = (await a_hook(triggers, tenant, SECRET)).hook
    for seconds in (-300, 0, 300):
        timestamp = str(int(START.timestamp()) + seconds)
        signed = signature(SECRET, timestamp, BODY)
        triggers.hooks.require_signed(hook, BODY, timestamp=timestamp, signature=signed)


@pytest.mark.parametrize(
    ("timestamp", "signed", "body"),
    [
        (NOW, "", BODY),
        ("", signature(SECRET, "", BODY), BODY),
        (NOW, signature("another", NOW, BODY), BODY),
        (NOW, signature(SECRET, NOW, BODY), b'{"n": 2}'),
        (NOW, signature(SECRET, NOW, BODY).upper(), BODY),
        (NOW, signature(SECRET, NOW, BODY).removeprefix("sha256="), BODY),
        (NOW, "\ud800", BODY),
        ("now", signature(SECRET, "now", BODY), BODY),
        ("9" * 13, signature(SECRET, "9" * 13, BODY), BODY),
        *[
            (off, signature(SECRET, off, BODY), BODY)
            for off in (str(int(START.timestamp()) - 301), str(int(START.timestamp()) + 301))
        ],
    ],
)
async def test_a_call_that_is_not_well_signed_is_refused(
    triggers: Triggers, tenant: Tenant, timestamp: str, signed: str, body: bytes
) -> None:
    hook = (await a_hook(triggers, tenant, SECRET)).hook
    with pytest.raises(Unauthenticated):
        triggers.hooks.require_signed(hook, body, timestamp=timestamp, signature=signed)


async def test_nobody_is_let_through_while_the_secret_can_not_be_read(
    triggers: Triggers, tenant: Tenant
) -> None:
    hook = replace((await a_hook(triggers, tenant, SECRET)).hook, sealed_secret=b"of another key")
    with pytest.raises(Unavailable, match="can't be read"):
        triggers.hooks.require_signed(
            hook, BODY, timestamp=NOW, signature=signature(SECRET, NOW, BODY)
        )


async def test_a_signature_is_the_hmac_that_anybody_can_make() -> None:
    # echo -n '1700000000.{"n": 1}' | openssl dgst -sha256 -hmac s3cret
    assert signature("s3cret", "1700000000", BODY) == (
        "sha256=52dce01690e80e8395bcff3aab89de8ea17ae62f52c6b697ec793050a241f4a0"
    )


async def test_everything_wrong_is_told(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    with pytest.raises(Invalid) as refusal:
        await triggers.hooks.create(developer, workflow_id=new_id(), name="Orders")
    assert wrong_fields(refusal.value) == {"workflow_id": "value_error"}
    for name, secret, wrong in (
        ("", None, {"name": "string_too_short"}),
        ("n", "", {"secret": "string_too_short"}),
        ("n", "s" * 256, {"secret": "string_too_long"}),
    ):
        with pytest.raises(Invalid) as refusal:
            await triggers.hooks.create(
                developer, workflow_id=tenant.workflow.id, name=name, secret=secret
            )
        assert wrong_fields(refusal.value) == wrong


async def test_another_workspace_neither_sees_nor_deletes_it(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await a_hook(triggers, tenant)
    other = await settle(triggers.storage)
    stranger = developer_of(other)
    for attempt in (
        triggers.hooks.get(stranger, made.hook.id),
        triggers.hooks.remove(stranger, made.hook.id),
    ):
        with pytest.raises(NotFound, match="Hook not found"):
            await attempt
    assert (await triggers.hooks.page(stranger, PageRequest(), TriggerFilter())).total == 0
    with pytest.raises(Invalid):
        await triggers.hooks.create(developer, workflow_id=other.workflow.id, name="Orders")
    assert (await triggers.hooks.page(developer, PageRequest(), TriggerFilter())).total == 1


async def test_who_may_not_run_makes_no_hook(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    writer = permissions_of(Role.DEVELOPER, [Scope.READ, Scope.WRITE])
    for permissions in (permissions_of(Role.VIEWER), writer):
        with pytest.raises(Forbidden):
            await triggers.hooks.create(
                replace(developer, permissions=permissions),
                workflow_id=tenant.workflow.id,
                name="Orders",
            )


async def test_what_is_done_to_it_is_audited(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await a_hook(triggers, tenant)
    await triggers.hooks.call(made.hook, {})
    await triggers.hooks.remove(developer, made.hook.id)
    async with triggers.storage.open(tenant.id, reading=True) as uow:
        page = await uow.audit_log.page(PageRequest(newest_first=False), AuditFilter())
    assert [entry.action for entry in page.items] == [
        "hook.created",
        "run.started",
        "hook.deleted",
    ]
