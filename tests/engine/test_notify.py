"""Messages to webhooks, by mail and in the app."""

import hmac
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from orbiter.adapters.memory.mailer import MemoryMailer
from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.outbound import OutboundAnswer, OutboundRequest
from orbiter.application.ports.system import Mail
from orbiter.application.secrets import KIND
from orbiter.domain.errors import Unavailable
from orbiter.domain.notifications import MESSAGE_MAX, TITLE_MAX, NotificationKind
from orbiter.domain.workflows import Canvas, Retry, WorkflowVersion, issues_of
from support.builders import a_secret
from support.clock import START as NOW
from support.graphs import NOBODY, Laboratory, graph, node
from support.members import Members
from support.plant import DEVELOPER, Hiccups, Plant
from support.power import Disk, House

START, END = node("start", "start"), node("end", "end")


@dataclass
class Receiver:
    """Answers with a status; keeps what it was sent."""

    status: int = 204
    got: list[OutboundRequest] = field(default_factory=list)

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        self.got.append(request)
        return OutboundAnswer(status=self.status, headers={}, body=b"")


def telling(channel: dict[str, Any], retry: Retry | None = None, **config: Any) -> WorkflowVersion:
    tell = node("tell", "notify", retry=retry, channel=channel, **config)
    return graph(START, tell, END, edges="start > tell, tell > end")


async def test_a_webhook_is_told_and_can_check_who_tells() -> None:
    receiver = Receiver()
    channel = {"type": "webhook", "url": "https://{{ inputs.host }}/in", "secret": "s3cret"}
    lab = Laboratory(http=receiver)
    traced = await lab.run(
        telling(channel, subject="Done", message="It is {{ inputs.n }}"), host="a.test", n=5
    )
    assert traced.output == {"status": 204}
    (request,) = receiver.got
    assert (request.method, request.url) == ("POST", "https://a.test/in")
    assert json.loads(request.body or b"") == {
        "subject": "Done",
        "message": "It is 5",
        "run_id": traced.run.id,
        "node_id": "tell",
    }
    timestamp = request.headers["x-orbiter-timestamp"]
    assert timestamp == str(int(NOW.timestamp()))
    told = f"{timestamp}.".encode() + (request.body or b"")
    expected = hmac.new(b"s3cret", told, "sha256").hexdigest()
    assert request.headers["x-orbiter-signature"] == f"sha256={expected}"
    assert request.headers["idempotency-key"] == f"{traced.run.id}:tell:0:1"


async def test_without_a_secret_nothing_is_signed() -> None:
    receiver = Receiver()
    channel = {"type": "webhook", "url": "https://a.test/in"}
    await Laboratory(http=receiver).run(telling(channel, message="x"))
    assert "x-orbiter-signature" not in receiver.got[0].headers


async def test_the_trace_shows_no_secret() -> None:
    channel = {"type": "webhook", "url": "https://me:pass@a.test/{{ 1 }}", "secret": "s3cret"}
    lab = Laboratory(http=Receiver())
    shown = (await lab.run(telling(channel, message="x"))).one("tell").input
    assert shown["channel"] == {"type": "webhook", "url": "https://***@a.test/1", "secret": "***"}
    broken = await lab.run(telling(channel, message="{{ nothing }}"))
    assert broken.failure == ("TEMPLATE_ERROR", "tell")
    assert "s3cret" not in str(broken.one("tell").input)


async def test_a_webhook_that_refuses_fails_the_node() -> None:
    receiver = Receiver(status=500)
    channel = {"type": "webhook", "url": "https://a.test/in"}
    retry = Retry(max_attempts=3, backoff_seconds=1)
    traced = await Laboratory(http=receiver).run(telling(channel, retry, message="x"))
    assert traced.failure == ("HTTP_STATUS", "tell")
    assert len(receiver.got) == 3


async def test_a_mail_goes_to_everybody() -> None:
    mailer = MemoryMailer()
    channel = {"type": "email", "to": ["ada@example.org", "{{ inputs.other }}"]}
    lab = Laboratory(mailer=mailer)
    traced = await lab.run(
        telling(channel, subject="About\n{{ inputs.n }}", message="Look"),
        other="bob@example.org",
        n=5,
    )
    assert traced.output == {"sent_to": ["ada@example.org", "bob@example.org"]}
    assert list(mailer.sent) == [
        Mail(to=to, subject="About 5", text="Look") for to in ("ada@example.org", "bob@example.org")
    ]


async def test_who_had_a_mail_has_no_second_one_when_it_is_tried_again() -> None:
    sent: list[str] = []

    class Shaky:
        async def send(self, mail: Mail) -> None:
            sent.append(mail.to)
            if len(sent) == 2:
                raise Unavailable("The mail server failed")

    channel = {"type": "email", "to": ["a@example.org", "b@example.org"]}
    retry = Retry(max_attempts=2)
    traced = await Laboratory(mailer=Shaky()).run(telling(channel, retry, message="Look"))
    assert traced.run.error is None
    assert sent == ["a@example.org", "b@example.org", "b@example.org"]
    assert traced.one("tell").attempt == 2


async def test_what_is_no_address_fails_the_node() -> None:
    channel = {"type": "email", "to": ["{{ inputs.to }}"]}
    traced = await Laboratory().run(telling(channel, message="x"), to="a@b\nBcc: c@d.test")
    assert traced.failure == ("INVALID_ADDRESS", "tell")


@pytest.mark.parametrize(
    ("config", "missing"),
    [
        ({"message": "x"}, ["MISSING_CONFIG"]),
        ({"channel": {"type": "webhook"}, "message": "x"}, ["MISSING_CONFIG"]),
        ({"channel": {"type": "email", "to": []}, "message": "x"}, ["MISSING_CONFIG"]),
        ({"channel": {"type": "email", "to": ["a@b.test"]}}, ["MISSING_CONFIG"]),
        ({"channel": {"type": "in_app"}}, ["MISSING_CONFIG"]),
        ({"channel": {"type": "in_app"}, "message": "x"}, []),
    ],
)
def test_what_is_unfinished_is_told(config: dict[str, Any], missing: list[str]) -> None:
    whole = telling({"type": "webhook", "url": "https://a.test"}, message="x")
    canvas = Canvas(nodes=(START, node("tell", "notify", **config), END), edges=whole.canvas.edges)
    assert [issue.code for issue in issues_of(canvas)] == missing


IN_APP = {"type": "in_app"}


async def test_in_the_app_every_member_is_told_once() -> None:
    plant, members = Plant(), Members(DEVELOPER.workspace_id)
    await members.join(plant.kept)
    run = await plant.accepted(telling(IN_APP, message="It is {{ inputs.n }}"), {"n": 5})
    detail = await plant.clock.through(plant.ended(run))
    assert (detail.run.error, detail.run.output) == (None, {"members": 3})
    tell = next(step for step in detail.trace.items if step.node_id == "tell")
    for user in members.active:
        (told,) = await members.told(plant.kept, user)
        assert (told.kind, told.title) == (NotificationKind.NOTIFY, "workflow: tell")
        assert (told.message, told.read, told.created_at) == ("It is 5", False, NOW)
        assert (told.run_id, told.workflow_id, told.step_id) == (run.id, run.workflow_id, tell.id)
    assert await members.told(plant.kept, members.invited) == []


async def test_the_subject_is_the_title_on_one_line() -> None:
    plant, members = Plant(), Members(DEVELOPER.workspace_id)
    await members.join(plant.kept)
    drawn = telling(IN_APP, subject="About\n{{ inputs.n }}", message="{{ inputs }}")
    await plant.clock.through(plant.ended(await plant.accepted(drawn, {"n": 5})))
    (told,) = await members.told(plant.kept, members.viewer)
    assert (told.title, told.message) == ("About 5", '{"n": 5}')


async def test_what_is_too_long_or_not_storable_is_told_as_far_as_it_can_be() -> None:
    plant, members = Plant(), Members(DEVELOPER.workspace_id)
    await members.join(plant.kept)
    drawn = telling(IN_APP, subject="{{ inputs.text }}", message="{{ inputs.text }}")
    text = "\0" + "x" * 20_000
    await plant.clock.through(plant.ended(await plant.accepted(drawn, {"text": text})))
    (told,) = await members.told(plant.kept, members.viewer)
    assert (len(told.title), len(told.message)) == (TITLE_MAX, MESSAGE_MAX)
    assert told.message.startswith("\ufffdxxx") and told.message.endswith("x…")


async def test_a_process_that_is_killed_before_it_is_recorded_tells_nobody_twice() -> None:
    drawn = telling(IN_APP, message="x")
    # The first record is when it was told, the second that it was.
    for lives in ((1,), (2,), (1, 1), (1, 1, 1)):
        members, lab = Members(), Laboratory()
        house = await members.house(lab, drawn)
        traced = await house.to_the_end(*lives)
        assert traced.output == {"members": 3}
        for user in members.active:
            assert len(await members.told(lab.kept, user)) == 1


async def test_what_was_told_and_not_recorded_is_not_told_again() -> None:
    drawn = telling(IN_APP, message="x")
    members, lab = Members(), Laboratory()
    house = await members.house(lab, drawn)
    await house.to_the_end()
    async with lab.kept.open(NOBODY) as uow:
        await uow.notifications.read_all(members.viewer.id)
    key = f"{house.run.id}:tell:0:1"
    assert house.disk.records.pop(key).value == {"members": 3}
    lab.clock.advance_to(NOW + timedelta(days=1))
    again = House(lab, drawn, run_id=house.run.id, disk=Disk(records=house.disk.records))
    assert (await again.to_the_end()).output == {"members": 3}
    (told,) = await members.told(lab.kept, members.viewer)
    assert (told.read, told.created_at) == (True, NOW)


async def test_each_turn_of_a_loop_and_each_attempt_of_it_has_its_own_say() -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 2]", retry=Retry(max_attempts=2, backoff_seconds=1)),
        node("tell", "notify", inside="loop", channel=IN_APP, message="{{ item }}"),
        node("check", "template", inside="loop", template="{{ 1 / (item - 2) }}"),
        END,
        edges="start > loop, tell > check, loop > end",
    )
    members, lab = Members(), Laboratory()
    house = await members.house(lab, drawn)
    await house.to_the_end()
    told = await members.told(lab.kept, members.viewer)
    assert sorted(each.message for each in told) == ["1", "1", "2", "2"]


async def test_while_storage_is_away_it_waits() -> None:
    away = Hiccups(MemoryStorage())
    members, lab = Members(), Laboratory(kept=away)
    house = await members.house(lab, telling(IN_APP, message="x"))
    away.trouble = [Unavailable("The database does not answer")] * 3
    traced = await house.to_the_end()
    assert traced.output == {"members": 3}
    assert traced.seconds > 0


async def test_when_its_workflow_is_gone_the_node_is_the_title() -> None:
    members, lab = Members(), Laboratory()
    house = await members.house(lab, telling(IN_APP, message="x"))
    async with lab.kept.open(NOBODY) as uow:
        await uow.workflows.remove(house.graph.workflow_id)
    await house.to_the_end()
    (told,) = await members.told(lab.kept, members.viewer)
    assert told.title == "tell"


async def test_no_secret_is_told() -> None:
    members, lab = Members(), Laboratory()
    secret = "{{ secrets.TOKEN }}"
    house = await members.house(
        lab, telling(IN_APP, subject=f"At {secret}", message=f"{'x' * (MESSAGE_MAX - 8)}{secret}")
    )
    id = new_id()
    sealed = lab.seals.seal(KIND, NOBODY, id, "hunter2hunter2")
    async with lab.kept.open(NOBODY) as uow:
        project = await uow.projects.get(NOBODY)
        await uow.secrets.add(a_secret(project, id=id, name="TOKEN", sealed_value=sealed))
    await house.to_the_end()
    (told,) = await members.told(lab.kept, members.viewer)
    assert told.title == "At ***"
    assert "hunter" not in told.message
