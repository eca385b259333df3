"""Random graphs that use random secrets: none is ever shown, and what is sent is the real one."""

import string
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.domain.workflows import Node, OnError, Retry, WorkflowVersion
from support.graphs import Laboratory, Traced, graph, node
from support.hiding import Echo, keep, shown
from support.power import House

URL: Final = "https://service.test/"
NAMES: Final = ("FIRST", "SECOND", "THIRD")

# What begins like this nobody else says.
letters: Final = string.ascii_letters + string.digits + "!/+=&<>\"'\\ %?#;:@\n\t~üλ🚀"
values = (
    st.text(letters, min_size=8, max_size=60)
    .map("Zq{}".format)
    .filter(lambda value: len(value.strip()) >= 9)
)


def texts(before: list[str]) -> st.SearchStrategy[str]:
    """Draw a template that uses secrets, and outputs of the nodes before."""
    secret = st.sampled_from([f"secrets.{name}" for name in NAMES])
    output = st.sampled_from([f"nodes.{each}.output" for each in before] or ["run.id"])
    shapes = st.sampled_from(["{}", "{} | urlencode", "{} | tojson", "[{}]", "{} | e"])
    printed = st.builds(str.format, shapes, st.one_of(secret, secret, output))
    parts = st.one_of(
        printed.map("{{{{ {} }}}}".format), st.sampled_from(["Bearer ", " & ", "x", "\n"])
    )
    return st.lists(parts, min_size=1, max_size=3).map("".join)


def templates(before: list[str]) -> st.SearchStrategy[Any]:
    """Draw a value with such templates in it."""
    return st.recursive(
        texts(before),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abc"), inner)
        ),
        max_leaves=3,
    )


@st.composite
def a_node(draw: st.DrawFn, name: str, before: list[str]) -> Node:
    made = templates(before)
    common: dict[str, Any] = {
        "on_error": draw(st.sampled_from([OnError.CONTINUE, OnError.FAIL])),
        "fallback": draw(st.none() | made),
    }
    match draw(
        st.sampled_from(["template", "variable", "http", "http", "code", "notify", "delay"])
    ):
        case "template":
            return node(name, "template", template=draw(texts(before)), **common)
        case "variable":
            return node(name, "variable", name="kept", value=draw(made), **common)
        case "code":
            code = "def main(inputs):\n    print(inputs)\n    return [inputs, str(inputs)]"
            return node(name, "code", code=code, inputs={"k": draw(made)}, **common)
        case "notify":
            channel = {"type": "webhook", "url": URL, "secret": "{{ secrets.FIRST }}"}
            return node(name, "notify", channel=channel, message=draw(texts(before)), **common)
        case "delay":
            return node(name, "delay", seconds=draw(st.sampled_from([60, "{{ secrets.FIRST }}"])))
    auth = st.sampled_from(
        [
            {"type": "none"},
            {"type": "bearer", "token": "{{ secrets.FIRST }}"},
            {"type": "basic", "username": "ada", "password": "{{ secrets.SECOND }}"},
            {"type": "header", "name": "x-a", "value": "{{ secrets.THIRD }}"},
        ]
    )
    retry = Retry(max_attempts=draw(st.integers(1, 2)), backoff_seconds=1)
    config = {"url": URL, "method": "POST", "body": draw(made), "auth": draw(auth)}
    return node(name, "http", headers={"x": draw(texts(before))}, retry=retry, **config, **common)


@st.composite
def graphs(draw: st.DrawFn) -> WorkflowVersion:
    """Draw a graph of nodes one after another."""
    names = [f"n{number}" for number in range(draw(st.integers(1, 5)))]
    nodes = [draw(a_node(name, names[:at])) for at, name in enumerate(names)]
    ids = ["start", *names, "end"]
    edges = ", ".join(f"{source} > {target}" for source, target in zip(ids, ids[1:], strict=False))
    end = node("end", "end", output=draw(templates(names)))
    return graph(node("start", "start"), *nodes, end, edges=edges)


@given(graphs(), st.lists(values, min_size=3, max_size=3, unique=True), st.integers(1, 6))
@settings(deadline=None, max_examples=60)
async def test_no_form_of_a_secret_is_kept_or_shown(
    drawn: WorkflowVersion, secrets: list[str], lives: int
) -> None:
    ends: list[Traced] = []
    for crashes in ((), (lives,)):
        lab = Laboratory(http=Echo())
        for name, value in zip(NAMES, secrets, strict=True):
            await keep(lab, name, value)
        house = House(lab, drawn, run_id=ends[0].run.id if ends else None)
        ends.append(await house.to_the_end(*crashes))
        told = [
            text
            for value in secrets
            for form in (value, value.strip())
            for text in shown(form, (house.run, house.disk))
        ]
        assert not told
    calm, crashed = ends
    assert (calm.run.status, calm.run.output) == (crashed.run.status, crashed.run.output)
    assert calm.run.error == crashed.run.error
