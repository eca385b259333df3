"""Nodes that call models, agents and tools: what they give, and how they fail."""

import json
from collections.abc import Sequence
from typing import Any, Final

import pytest

from orbiter.application.ports.models import ChatRole, ModelError
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.providers import ProviderType
from orbiter.domain.runs import Step, StepKind, StepStatus, Usage
from orbiter.domain.tools import ToolKind
from orbiter.domain.workflows import Node, OnError, Retry, WorkflowVersion
from support.agents import Studio, calls, says, script
from support.builders import a_provider
from support.graphs import NOBODY, Traced, graph, node

START, END = node("start", "start"), node("end", "end")
CALCULATOR: Final = next(t.id for t in BUILTIN_TOOLS.values() if t.name == "calculator")
NUMBER: Final = {"type": "object", "required": ["n"]}


def alone(tested: Node) -> WorkflowVersion:
    """Return a graph of a start, the node and an end."""
    return graph(START, tested, END, edges=f"start > {tested.id}, {tested.id} > end")


def inside(traced: Traced) -> list[Step]:
    """Return the steps of calls."""
    return [step for step in traced.steps if step.kind is not StepKind.NODE]


class TestLlm:
    async def test_it_gives_the_text(self) -> None:
        studio = Studio()
        asked = node(
            "ask",
            "llm",
            model="echo:{{ inputs.model }}",
            system="Be {{ inputs.tone }}.",
            prompt="Hello {{ inputs.name }}",
            temperature=0.5,
            max_tokens=9,
        )
        traced = await studio.run(alone(asked), name="Ada", tone="brief", model="echo")
        assert traced.output == "Hello Ada"
        request = studio.gateway.last
        said = [(each.role, each.content) for each in request.messages]
        assert said == [(ChatRole.SYSTEM, "Be brief."), (ChatRole.USER, "Hello Ada")]
        assert (request.temperature, request.max_tokens) == (0.5, 9)
        (call,) = inside(traced)
        assert (call.kind, call.name, call.model) == (StepKind.MODEL, "echo:echo", "echo:echo")
        assert call.usage == traced.run.usage == traced.one_node("ask").usage
        assert call.usage.total_tokens > 0

    async def test_without_a_model_it_is_the_projects(self) -> None:
        studio = Studio()
        await studio.agent()
        assert (await studio.run(alone(node("ask", "llm", prompt="Hi")))).output == "Hi"

    async def test_without_one_of_the_projects_it_is_a_providers(self) -> None:
        studio = Studio(default_model=None)
        await studio.agent()
        provider = a_provider(NOBODY, provider_type=ProviderType.ECHO, default_model="echo")
        async with studio.kept.open(NOBODY) as uow:
            await uow.providers.add(provider)
        traced = await studio.run(alone(node("ask", "llm", prompt="Hi")))
        (call,) = inside(traced)
        assert (traced.output, call.model) == ("Hi", f"{provider.name}:echo")

    @pytest.mark.parametrize(
        "model", [5, True, ["echo:echo"], "echo", "a\0:b", "echo:" + "x" * 999]
    )
    async def test_what_names_no_model_fails(self, model: Any) -> None:
        asked = node("ask", "llm", model="{{ inputs.model }}", prompt="Hi")
        traced = await Studio().run(alone(asked), model=model)
        assert traced.failure == ("PROVIDER_NOT_FOUND", "ask")
        assert len(traced.run.error.message if traced.run.error else "") < 200

    async def test_what_had_to_be_tried_again_stands_in_the_calls_logs(self) -> None:
        studio = Studio()
        busy = ModelError("MODEL_RATE_LIMITED", "Slow down", passing=True, elsewhere=True)
        studio.gateway.trouble.extend([busy, busy])
        traced = await studio.run(alone(node("ask", "llm", model="echo:echo", prompt="Hi")))
        (call,) = inside(traced)
        assert (traced.output, call.attempt) == ("Hi", 1)
        assert list(call.logs) == [f"Attempt {n} failed, echo: Slow down" for n in (1, 2)]

    async def test_without_any_model_it_fails(self) -> None:
        studio = Studio(default_model=None)
        await studio.agent()
        traced = await studio.run(alone(node("ask", "llm", prompt="Hi")))
        assert traced.failure == ("MODEL_MISSING", "ask")

    async def test_what_is_no_text_is_asked_as_json(self) -> None:
        asked = node("ask", "llm", model="echo:echo", prompt="{{ inputs.rows }}")
        assert (await Studio().run(alone(asked), rows=[1, "ü"])).output == '[1, "ü"]'

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [('{"n": 1}', {"n": 1}), ('```json\n{"n": [2]}\n```', {"n": [2]})],
    )
    async def test_with_a_schema_it_gives_the_value(self, answer: str, expected: Any) -> None:
        asked = node("ask", "llm", model="echo:echo", prompt=answer, output_schema=NUMBER)
        assert (await Studio().run(alone(asked))).output == expected

    async def test_a_schema_is_no_template(self) -> None:
        studio = Studio()
        schema = {"type": "object", "description": "like {{ this }}"}
        asked = node("ask", "llm", model="echo:echo", prompt="{}", output_schema=schema)
        assert (await studio.run(alone(asked))).output == {}
        assert studio.gateway.last.output_schema == schema

    @pytest.mark.parametrize("answer", ["one", "{}", "[1]"])
    async def test_what_breaks_the_schema_fails(self, answer: str) -> None:
        asked = node("ask", "llm", model="echo:echo", prompt=answer, output_schema=NUMBER)
        traced = await Studio().run(alone(asked))
        assert traced.failure == ("OUTPUT_SCHEMA_VIOLATED", "ask")
        assert traced.run.usage.total_tokens > 0

    async def test_a_failure_of_the_model_is_the_nodes(self) -> None:
        asked = node("ask", "llm", model="nobody:gpt", prompt="Hi")
        traced = await Studio().run(alone(asked))
        assert traced.failure == ("PROVIDER_NOT_FOUND", "ask")
        assert [step.status for step in inside(traced)] == [StepStatus.FAILED]

    async def test_an_attempt_that_fails_is_tried_again(self) -> None:
        text = script({"error": {"status": 400, "message": "no"}}, says("yes"))
        retry = Retry(max_attempts=2)
        asked = node("ask", "llm", model="echo:script", prompt=text, retry=retry)
        traced = await Studio().run(alone(asked))
        assert traced.output == "yes"
        assert [step.status for step in inside(traced)] == [StepStatus.FAILED, StepStatus.COMPLETED]
        step = traced.one_node("ask")
        assert (step.attempt, len(step.logs)) == (2, 1)

    async def test_a_name_that_is_not_there_fails_before_the_call(self) -> None:
        studio = Studio()
        asked = node("ask", "llm", model="echo:echo", prompt="{{ inputs.nothing }}")
        assert (await studio.run(alone(asked))).failure == ("TEMPLATE_ERROR", "ask")
        assert studio.gateway.requests == []


class TestClassifier:
    def drawn(self, *classes: Any, **more: Any) -> WorkflowVersion:
        names = [each if isinstance(each, str) else each["name"] for each in classes]
        ends = [node(f"end{at}", "end", output=name) for at, name in enumerate(names)]
        edges = [f"pick.{name} > end{at}" for at, name in enumerate(names)]
        picked = node("pick", "classifier", classes=[*classes], model="echo:echo", **more)
        return graph(START, picked, *ends, edges=", ".join(["start > pick", *edges]))

    @pytest.mark.parametrize(
        ("answer", "name"),
        [
            ("spam", "spam"),
            (" Spam.\n", "spam"),
            ('"ham"', "ham"),
            ("**ham**", "ham"),
            ("It is spam, I think", "spam"),
            ('{"class": "ham"}', "ham"),
        ],
    )
    async def test_the_class_that_is_named_is_the_way_on(self, answer: str, name: str) -> None:
        traced = await Studio().run(self.drawn("spam", "ham", input=answer))
        assert traced.output == name
        assert traced.one_node("pick").output == {"class": name, "handle": name}
        other = "end1" if name == "spam" else "end0"
        assert traced.one(other).status is StepStatus.SKIPPED

    @pytest.mark.parametrize("answer", ["eggs", " ", "spam or ham", "spammer", "{}"])
    async def test_no_class_or_several_fail(self, answer: str) -> None:
        traced = await Studio().run(self.drawn("spam", "ham", input=answer))
        assert traced.failure == ("UNCLASSIFIED", "pick")

    @pytest.mark.parametrize(
        ("classes", "answer", "name"),
        [
            (("A", "a"), "a", "a"),
            (("A", "a"), "**a**", "a"),
            (("e.g.", "i.e."), "e.g.", "e.g."),
            (("Straße", "*"), "STRASSE", "Straße"),
            (("not spam", "spam"), "Not spam.", "not spam"),
        ],
    )
    async def test_a_name_may_be_any(self, classes: Sequence[str], answer: str, name: str) -> None:
        assert (await Studio().run(self.drawn(*classes, input=answer))).output == name

    async def test_one_that_continues_takes_the_last_class(self) -> None:
        drawn = self.drawn("spam", "other", input="eggs", on_error=OnError.CONTINUE)
        assert (await Studio().run(drawn)).output == "other"

    async def test_the_model_is_told_the_classes_and_given_the_text_as_data(self) -> None:
        studio = Studio()
        described = {"name": "ham", "description": "What is wanted by {{ inputs.who }}"}
        drawn = self.drawn("spam", described, input="{{ inputs.mail }}")
        await studio.run(drawn, mail={"subject": "ham"}, who="Ada")
        (told,) = studio.gateway.told(ChatRole.SYSTEM)
        assert "- spam\n- ham: What is wanted by Ada\n" in told
        assert studio.gateway.told(ChatRole.USER) == ['{"subject": "ham"}']
        assert studio.gateway.aloud == [False]


class TestTool:
    async def test_it_gives_the_tools_output(self) -> None:
        expression = "{{ inputs.a }} * 7"
        used = node("use", "tool", tool_id=CALCULATOR, arguments={"expression": expression})
        traced = await Studio().run(alone(used), a=6)
        assert "42" in json.dumps(traced.output)
        (call,) = inside(traced)
        assert (call.kind, call.name) == (StepKind.TOOL, "calculator")
        assert (call.input, call.output) == ({"expression": "6 * 7"}, traced.output)

    @pytest.mark.parametrize(
        ("tool_id", "arguments", "code"),
        [
            (NOBODY, {}, "TOOL_NOT_FOUND"),
            ("nonsense", {}, "TOOL_NOT_FOUND"),
            (CALCULATOR, {}, "INVALID_ARGUMENTS"),
            (CALCULATOR, {"expression": 7}, "INVALID_ARGUMENTS"),
            (CALCULATOR, {"expression": "{{ inputs.x }}"}, "TEMPLATE_ERROR"),
        ],
    )
    async def test_what_can_not_be_used_fails(
        self, tool_id: str, arguments: Any, code: str
    ) -> None:
        used = node("use", "tool", tool_id=tool_id, arguments=arguments)
        assert (await Studio().run(alone(used))).failure == (code, "use")

    async def test_a_tool_that_fails_fails_the_node_unless_that_is_caught(self) -> None:
        used = node(
            "use",
            "tool",
            tool_id=CALCULATOR,
            arguments={"expression": "1 / 0"},
            on_error=OnError.CONTINUE,
            fallback="none",
        )
        traced = await Studio().run(alone(used))
        assert traced.output == "none"
        assert {step.status for step in traced.of("use")} == {StepStatus.FAILED}

    async def test_an_agent_may_be_a_tool(self) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(CALCULATOR,))
        text = {"type": "string"}
        tool = await studio.tool("ask", ToolKind.AGENT, {"agent_id": agent.agent_id}, input=text)
        asked = script(calls(("calculator", {"expression": "1"})), says("done"))
        used = node("use", "tool", tool_id=tool.id, arguments={"input": asked})
        traced = await studio.run(alone(used))
        assert traced.output == "done"
        assert [step.name for step in inside(traced)] == [
            "ask",
            "echo:script",
            "calculator",
            "echo:script",
        ]


class TestAgent:
    async def test_it_answers_what_came_before(self) -> None:
        studio = Studio()
        agent = await studio.agent(model="echo:echo")
        drawn = graph(
            START,
            node("text", "template", template="Hello {{ inputs.name }}"),
            node("ask", "agent", agent_id=agent.agent_id),
            END,
            edges="start > text, text > ask, ask > end",
        )
        assert (await studio.run(drawn, name="Ada")).output == "Hello Ada"

    async def test_its_input_is_a_template(self) -> None:
        studio = Studio()
        agent = await studio.agent(model="echo:echo")
        asked = node("ask", "agent", agent_id=agent.agent_id, input="For {{ inputs.name }}")
        assert (await studio.run(alone(asked), name="Ada")).output == "For Ada"

    async def test_a_version_may_be_chosen(self) -> None:
        studio = Studio()
        agent = await studio.agent(model="echo:echo")
        await studio.revised(agent, output_schema=NUMBER)
        asked: dict[str, Any] = {"agent_id": agent.agent_id, "input": '{"n": 1}'}
        old = await studio.run(alone(node("ask", "agent", version=1, **asked)))
        new = await studio.run(alone(node("ask", "agent", **asked)))
        assert (old.output, new.output) == ('{"n": 1}', {"n": 1})

    async def test_it_may_be_written_out(self) -> None:
        studio = Studio()
        await studio.agent()
        written = {
            "model": "{{ inputs.model }}",
            "instructions": "You are {{ inputs.who }}.",
            "tools": [CALCULATOR],
            "max_turns": 2,
        }
        text = script(calls(("calculator", {"expression": "1"})), says("done"))
        asked = node("ask", "agent", agent=written, input="{{ inputs.text }}")
        traced = await studio.run(alone(asked), text=text, who="Ada", model="echo:script")
        assert traced.output == "done"
        assert studio.gateway.told(ChatRole.SYSTEM) == ["You are Ada."]

    @pytest.mark.parametrize("config", [{"agent_id": NOBODY}, {"agent_id": "nonsense"}])
    async def test_one_that_is_not_there_fails(self, config: Any) -> None:
        asked = node("ask", "agent", input="x", **config)
        assert (await Studio().run(alone(asked))).failure == ("AGENT_NOT_FOUND", "ask")

    async def test_what_a_workflow_is_given_as_context_is_not_the_agents(self) -> None:
        studio = Studio()
        agent = await studio.agent(model="echo:echo")
        asked = node("ask", "agent", agent_id=agent.agent_id, input="x")
        await studio.run(alone(asked), context={"a": 1})
        assert studio.gateway.told(ChatRole.SYSTEM) == []

    async def test_attempts_begin_anew(self) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(CALCULATOR,))
        text = script(calls(("calculator", {"expression": "1"})), says("done"))
        studio.gateway.trouble.extend([None, ModelError("MODEL_REQUEST_REFUSED", "no")])
        retry = Retry(max_attempts=2)
        asked = node("ask", "agent", agent_id=agent.agent_id, input=text, retry=retry)
        traced = await studio.run(alone(asked))
        assert traced.output == "done"
        assert len(studio.gateway.requests) == 4
        step = traced.one_node("ask")
        assert step.attempt == 2
        assert step.usage == traced.run.usage != Usage()
