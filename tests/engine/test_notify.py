"""Messages to webhooks and by mail."""

import hmac
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from orbiter.adapters.memory.mailer import MemoryMailer
from orbiter.application.ports.outbound import OutboundAnswer, OutboundRequest
from orbiter.application.ports.system import Mail
from orbiter.domain.errors import Unavailable
from orbiter.domain.workflows import Canvas, Retry, WorkflowVersion, issues_of
from support.clock import START as NOW
from support.graphs import Laboratory, graph, node

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
    ],
)
def test_what_is_unfinished_is_told(config: dict[str, Any], missing: list[str]) -> None:
    whole = telling({"type": "webhook", "url": "https://a.test"}, message="x")
    canvas = Canvas(nodes=(START, node("tell", "notify", **config), END), edges=whole.canvas.edges)
    assert [issue.code for issue in issues_of(canvas)] == missing


def test_in_app_messages_are_refused_as_long_as_there_is_no_place_for_them() -> None:
    canvas = Canvas(nodes=(node("tell", "notify", channel={"type": "in_app"}, message="x"),))
    (problem,) = canvas.problems()
    assert problem.field == "nodes.0.config.channel.type"
