"""Agents: the loop of a model that speaks and calls, and what bounds it."""

import json
from decimal import Decimal
from typing import Any, Final

import pytest

from orbiter.application.execution.limits import Limits
from orbiter.application.ports.models import ChatRole, ToolUse
from orbiter.domain.agents import Guardrails, Personal
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.prices import Price
from orbiter.domain.runs import Step, StepKind, StepStatus, Usage
from orbiter.domain.tools import ToolKind
from support.agents import Studio, asks, calls, results, says, script
from support.graphs import NOBODY, Traced

BUILTIN: Final = {tool.name: tool.id for tool in BUILTIN_TOOLS.values()}
CALCULATOR: Final = BUILTIN["calculator"]
NUMBERS: Final = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


def works_out(*expressions: str, **more: Any) -> Any:
    """Return the entry of a script that uses the calculator, for all at the same time."""
    return calls(*(("calculator", {"expression": each}) for each in expressions), **more)


def tree(traced: Traced) -> list[tuple[int, str, str]]:
    """Return the trace as it is nested: depth, kind and name of each step."""
    depths: dict[str | None, int] = {None: -1}
    lines = []
    for step in traced.steps:
        depths[step.id] = depths[step.parent_step_id] + 1
        lines.append((depths[step.id], step.kind.value, step.name))
    return lines


def tools_of(traced: Traced) -> list[Step]:
    """Return the steps of the calls of tools."""
    return [step for step in traced.steps if step.kind is StepKind.TOOL]


def errors(texts: list[str]) -> list[str]:
    """Return the codes of failures that a model has read."""
    return [json.loads(text)["error"]["code"] for text in texts]


class TestLoop:
    async def test_an_answer_without_calls_is_the_output(self) -> None:
        studio = Studio()
        agent = await studio.agent(model="echo:echo", instructions="Be brief.")
        traced = await studio.answer(agent, "Hello")
        assert traced.output == "Hello"
        assert tree(traced) == [(0, "node", "Desk"), (1, "model", "echo:echo")]
        said = [(each.role, each.content) for each in studio.gateway.last.messages]
        assert said == [(ChatRole.SYSTEM, "Be brief."), (ChatRole.USER, "Hello")]

    async def test_what_is_no_text_is_told_as_json(self) -> None:
        studio = Studio()
        traced = await studio.answer(await studio.agent(model="echo:echo"), {"ü": [1, None]})
        assert traced.output == '{"ü": [1, null]}'

    async def test_an_input_is_no_template(self) -> None:
        studio = Studio()
        traced = await studio.answer(await studio.agent(model="echo:echo"), "{{ secrets.KEY }}")
        assert traced.output == "{{ secrets.KEY }}"

    async def test_without_a_model_it_is_the_projects(self) -> None:
        studio = Studio()
        traced = await studio.answer(await studio.agent(model=None), "Hello")
        assert traced.output == "Hello"
        assert traced.steps[1].model == "echo:echo"

    async def test_results_reach_the_next_call_in_the_order_of_asking(self) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(CALCULATOR,))
        text = script(works_out("1 + 1", "2 * 3"), works_out("10 / 4"), says("{{tool_result}}!"))
        traced = await studio.answer(agent, text)
        assert traced.output == f"{results(studio.gateway.last.messages)[2]}!"
        assert tree(traced) == [
            (0, "node", "Desk"),
            (1, "model", "echo:script"),
            (1, "tool", "calculator"),
            (1, "tool", "calculator"),
            (1, "model", "echo:script"),
            (1, "tool", "calculator"),
            (1, "model", "echo:script"),
        ]
        given = results(studio.gateway.last.messages)
        assert ["2" in given[0], "6" in given[1], "2.5" in given[2]] == [True, True, True]
        inputs = [step.input for step in tools_of(traced)]
        assert inputs == [{"expression": each} for each in ("1 + 1", "2 * 3", "10 / 4")]
        ids = [each.tool_call_id for each in studio.gateway.last.messages if each.tool_call_id]
        asked = [call.id for each in studio.gateway.last.messages for call in each.tool_calls]
        assert ids == asked and len(set(ids)) == 3

    async def test_turns_are_bounded(self) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(CALCULATOR,), max_turns=2)
        endless = script(works_out("1"), works_out("2"), works_out("3"), says("done"))
        traced = await studio.answer(agent, endless)
        assert traced.failure == ("MAX_TURNS", "agent")
        assert len(studio.gateway.requests) == 2
        enough = await studio.answer(agent, script(works_out("1"), says("done")))
        assert enough.output == "done"

    async def test_a_tool_that_fails_is_told_to_the_model(self) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(CALCULATOR,))
        traced = await studio.answer(
            agent, script(works_out("1 / 0", "2"), says("{{tool_result}}"))
        )
        assert "2" in traced.output
        failed, worked = tools_of(traced)
        assert (failed.status, worked.status) == (StepStatus.FAILED, StepStatus.COMPLETED)
        assert failed.error is not None
        assert errors(results(studio.gateway.last.messages)[:1]) == [failed.error.code]

    @pytest.mark.parametrize(
        ("name", "arguments", "code"),
        [
            ("nothing", {}, "TOOL_NOT_FOUND"),
            ("", {}, "TOOL_NOT_FOUND"),
            ("calculator", {}, "INVALID_ARGUMENTS"),
            ("calculator", {"expression": 5}, "INVALID_ARGUMENTS"),
            ("calculator", "1 + 1", "INVALID_ARGUMENTS"),
        ],
    )
    async def test_a_call_that_makes_no_sense_is_told_to_the_model(
        self, name: str, arguments: Any, code: str
    ) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(CALCULATOR,))
        traced = await studio.answer(agent, script(calls((name, arguments)), says("sorry")))
        assert traced.output == "sorry"
        (step,) = tools_of(traced)
        assert step.error is not None and step.error.code == code
        assert errors(results(studio.gateway.last.messages)) == [code]

    async def test_a_name_in_another_case_is_understood(self) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(CALCULATOR,))
        text = script(calls(("Calculator", {"expression": "6 * 7"})), says("{{tool_result}}"))
        assert "42" in (await studio.answer(agent, text)).output

    async def test_a_tool_that_is_gone_or_disabled_is_not_offered(self) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(CALCULATOR, NOBODY))
        await studio.answer(agent, script(says("x")))
        assert [each.name for each in studio.gateway.last.tools] == ["calculator"]

    async def test_an_output_beyond_the_bound_is_told_to_the_model(self) -> None:
        studio = Studio(limits=Limits(value_bytes=2000))
        code = "def large() -> str:\n    return 'x' * 3000"
        tool = await studio.tool("large", ToolKind.PYTHON, {"code": code})
        agent = await studio.agent(tools=(tool.id,))
        traced = await studio.answer(agent, script(calls(("large", {})), says("too much")))
        assert traced.output == "too much"
        assert errors(results(studio.gateway.last.messages)) == ["OUTPUT_TOO_LARGE"]

    async def test_a_model_that_fails_fails_the_agent(self) -> None:
        studio = Studio()
        error = {"status": 400, "message": "no"}
        text = script(works_out("1"), {"error": error})
        traced = await studio.answer(await studio.agent(tools=(CALCULATOR,)), text)
        assert traced.failure == ("MODEL_REQUEST_REFUSED", "agent")
        assert traced.steps[-1].error is not None

    @pytest.mark.parametrize(
        ("choice", "uses", "names"),
        [
            ("auto", [ToolUse.AUTO, ToolUse.AUTO], [None, None]),
            ("required", [ToolUse.REQUIRED, ToolUse.AUTO], [None, None]),
            ({"name": "CALCULATOR"}, [ToolUse.REQUIRED, ToolUse.AUTO], ["calculator", None]),
            ({"name": "gone"}, [ToolUse.AUTO, ToolUse.AUTO], [None, None]),
        ],
    )
    async def test_a_choice_of_tools_is_that_of_the_first_turn(
        self, choice: Any, uses: list[ToolUse], names: list[str | None]
    ) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(CALCULATOR,), tool_choice=choice)
        await studio.answer(agent, script(works_out("1"), says("done")))
        assert [each.tool_use for each in studio.gateway.requests] == uses
        assert [each.required_tool for each in studio.gateway.requests] == names

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ({"tool_choice": "required"}, "There is no tool that tool_choice could mean"),
            (
                {"tool_choice": {"name": "gone"}, "tools": (CALCULATOR,)},
                "There is no tool that tool_choice could mean",
            ),
            (
                {"tool_choice": "required", "tools": (CALCULATOR,)},
                "The model called no tool, although tool_choice says that it has to",
            ),
        ],
    )
    async def test_a_choice_that_has_no_effect_is_told(
        self, settings: dict[str, Any], told: str
    ) -> None:
        studio = Studio()
        traced = await studio.answer(await studio.agent(**settings), script(says("done")))
        assert traced.output == "done"
        assert traced.steps[0].logs == (told,)

    async def test_who_is_to_call_nothing_calls_nothing(self) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(CALCULATOR,), tool_choice="none")
        traced = await studio.answer(agent, script(works_out("1", text="I would."), says("done")))
        assert traced.output == "I would."
        assert studio.gateway.last.tool_use is ToolUse.NONE
        assert tools_of(traced) == []

    async def test_how_the_model_speaks_is_as_it_was_set(self) -> None:
        studio = Studio()
        chosen: dict[str, Any] = {
            "temperature": 0.5,
            "top_p": 0.25,
            "max_tokens": 7,
            "parallel_tool_calls": False,
        }
        await studio.answer(await studio.agent(**chosen), script(says("x")))
        request = studio.gateway.last
        assert {name: getattr(request, name) for name in chosen} == chosen

    async def test_calls_one_after_another_where_that_is_wanted(self) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(CALCULATOR,), parallel_tool_calls=False)
        traced = await studio.answer(agent, script(works_out("1", "2", "3"), says("done")))
        inputs = [step.input["expression"] for step in tools_of(traced)]
        assert inputs == ["1", "2", "3"]
        assert len(results(studio.gateway.last.messages)) == 3


class TestSpending:
    async def test_the_sums_are_those_of_the_calls(self) -> None:
        studio = Studio()
        helper = await studio.agent("Helper")
        agent = await studio.agent(tools=(CALCULATOR,), sub_agents=(helper.agent_id,))
        price = Price(
            model="echo:script",
            input_usd_per_million=Decimal(1_000),
            output_usd_per_million=Decimal(10_000),
        )
        async with studio.kept.open(NOBODY) as uow:
            await uow.prices.put(price)
        inner = script(says("42", usage={"input_tokens": 3, "output_tokens": 4}))
        outer = script(
            asks("helper", inner, usage={"input_tokens": 10, "output_tokens": 20}),
            works_out("1", usage={"input_tokens": 100, "output_tokens": 200}),
            says("done", usage={"input_tokens": 1000, "output_tokens": 2000}),
        )
        traced = await studio.answer(agent, outer)
        assert traced.run.usage == Usage(input_tokens=1113, output_tokens=2224)
        assert traced.run.cost_usd == Decimal("23.353")
        node, *inside = traced.steps
        assert (node.usage, node.cost_usd) == (traced.run.usage, traced.run.cost_usd)
        models = [step for step in inside if step.kind is StepKind.MODEL]
        assert sum(step.cost_usd or 0 for step in models) == traced.run.cost_usd
        asked, worked_out = tools_of(traced)
        assert (asked.usage, asked.cost_usd) == (
            Usage(input_tokens=3, output_tokens=4),
            Decimal("0.043"),
        )
        assert (worked_out.usage, worked_out.cost_usd) == (Usage(), Decimal(0))


class TestSchemas:
    async def test_an_answer_that_follows_its_schema_is_its_value(self) -> None:
        studio = Studio()
        agent = await studio.agent(output_schema=NUMBERS)
        for text in ('{"n": 1}', '```json\n{"n": 1}\n```', ' {"n":1}\n'):
            assert (await studio.answer(agent, script(says(text)))).output == {"n": 1}
        assert studio.gateway.last.output_schema == NUMBERS

    @pytest.mark.parametrize("text", ["one", '{"n": "one"}', "{}", '{"n": 1, "m": 2}', "NaN"])
    async def test_one_that_does_not_is_asked_for_once_more(self, text: str) -> None:
        studio = Studio()
        agent = await studio.agent(output_schema=NUMBERS, tools=(CALCULATOR,))
        traced = await studio.answer(agent, script(says(text), says('{"n": 2}')))
        assert traced.output == {"n": 2}
        first, second = studio.gateway.requests
        assert second.tool_use is ToolUse.NONE
        assert [each.content for each in second.messages[-2:]][0] == text
        assert len(second.messages) == len(first.messages) + 2

    async def test_and_not_twice(self) -> None:
        studio = Studio()
        agent = await studio.agent(output_schema=NUMBERS)
        traced = await studio.answer(agent, script(says("one"), says("two"), says('{"n": 3}')))
        assert traced.failure == ("OUTPUT_SCHEMA_VIOLATED", "agent")
        assert len(studio.gateway.requests) == 2


class TestAgentsAmongThemselves:
    async def test_a_sub_agent_answers_as_a_tool(self) -> None:
        studio = Studio()
        helper = await studio.agent("Big Helper!", tools=(CALCULATOR,))
        agent = await studio.agent(sub_agents=(helper.agent_id,))
        inner = script(works_out("6 * 7"), says("It is {{tool_result}}"))
        traced = await studio.answer(agent, script(asks("big_helper", inner), says("Good.")))
        assert traced.output == "Good."
        assert tree(traced) == [
            (0, "node", "Desk"),
            (1, "model", "echo:script"),
            (1, "tool", "big_helper"),
            (2, "model", "echo:script"),
            (2, "tool", "calculator"),
            (2, "model", "echo:script"),
            (1, "model", "echo:script"),
        ]
        assert "42" in results(studio.gateway.last.messages)[0]
        offered = studio.gateway.requests[0].tools[0]
        assert offered.parameters["required"] == ["input"]

    async def test_agents_and_tools_of_one_name_are_told_apart(self) -> None:
        studio = Studio()
        first = await studio.agent("Calculator", model="echo:echo")
        second = await studio.agent("calculator", model="echo:echo")
        long = await studio.agent("a" * 200, model="echo:echo")
        longer = await studio.agent("a" * 201, model="echo:echo")
        ids = tuple(each.agent_id for each in (first, second, long, longer))
        agent = await studio.agent(tools=(CALCULATOR,), sub_agents=ids, handoffs=(first.agent_id,))
        text = script(asks("calculator_3", "second"), says("{{tool_result}}"))
        assert (await studio.answer(agent, text)).output == "second"
        assert [each.name for each in studio.gateway.last.tools] == [
            "calculator",
            "calculator_2",
            "calculator_3",
            "a" * 64,
            "a" * 62 + "_2",
            "transfer_to_calculator",
        ]

    async def test_they_ask_each_other_five_deep(self) -> None:
        studio = Studio()
        agent = await studio.agent("Deep")
        agent = await studio.revised(agent, sub_agents=(agent.agent_id,))
        text = "the bottom"
        for _ in range(5):
            text = script(asks("deep", text), says("{{tool_result}}"))
        assert (await studio.answer(agent, text)).output == "the bottom"
        deeper = script(asks("deep", text), says("{{tool_result}}"))
        assert errors([(await studio.answer(agent, deeper)).output]) == ["AGENT_DEPTH"]

    async def test_an_agent_is_a_tool_of_its_own_kind(self) -> None:
        studio = Studio()
        helper = await studio.agent("Helper", model="echo:echo")
        tool = await studio.tool(
            "ask", ToolKind.AGENT, {"agent_id": helper.agent_id}, input={"type": "string"}
        )
        agent = await studio.agent(tools=(tool.id,))
        text = script(asks("ask", "Hello"), says("{{tool_result}}"))
        assert (await studio.answer(agent, text)).output == "Hello"

    async def test_a_hand_over_is_for_good(self) -> None:
        studio = Studio()
        sales = await studio.agent(
            "Sales (EU)", instructions="You sell.", tools=(CALCULATOR,), output_schema=NUMBERS
        )
        agent = await studio.agent(instructions="You greet.", handoffs=(sales.agent_id,))
        text = script(
            calls(("transfer_to_sales_eu", {"reason": "a price"})),
            works_out("1"),
            says('{"n": 5}'),
        )
        traced = await studio.answer(agent, text)
        assert traced.output == {"n": 5}
        assert studio.gateway.told(ChatRole.SYSTEM) == ["You sell."]
        assert [each.name for each in studio.gateway.last.tools] == ["calculator"]
        assert results(studio.gateway.last.messages)[0] == "Sales (EU) takes over"
        assert studio.gateway.told(ChatRole.USER) == [text]

    async def test_an_agent_that_is_gone_is_left_out_and_told(self) -> None:
        studio = Studio()
        agent = await studio.agent(tools=(NOBODY,), sub_agents=(NOBODY,), handoffs=(NOBODY,))
        traced = await studio.answer(agent, script(says("alone")))
        assert traced.output == "alone"
        assert studio.gateway.last.tools == []
        assert traced.steps[0].logs == (
            f"The tool {NOBODY} is not there any more, or not enabled",
            f"The agent {NOBODY} is not there any more",
        )

    async def test_only_the_first_one_takes_over(self) -> None:
        studio = Studio()
        first = await studio.agent("First", instructions="First.")
        second = await studio.agent("Second")
        agent = await studio.agent(handoffs=(first.agent_id, second.agent_id))
        both = calls(("transfer_to_first", {"reason": 1}), ("transfer_to_second", {}))
        assert (await studio.answer(agent, script(both, says("done")))).output == "done"
        assert studio.gateway.told(ChatRole.SYSTEM) == ["First."]
        taken, late = results(studio.gateway.last.messages)
        assert taken == "First takes over"
        assert errors([late]) == ["HANDED_OVER"]

    async def test_who_takes_over_has_the_turns_of_the_first(self) -> None:
        studio = Studio()
        other = await studio.agent("Other", tools=(CALCULATOR,), max_turns=100)
        agent = await studio.agent(handoffs=(other.agent_id,), max_turns=2)
        text = script(calls(("transfer_to_other", {})), works_out("1"), says("done"))
        error = (await studio.answer(agent, text)).run.error
        assert error is not None
        assert error.message == "The agent took more than 2 turns"

    async def test_who_takes_over_chooses_tools_anew(self) -> None:
        studio = Studio()
        other = await studio.agent("Other", tools=(CALCULATOR,), tool_choice="required")
        agent = await studio.agent(handoffs=(other.agent_id,), tool_choice="required")
        text = script(calls(("transfer_to_other", {})), works_out("1"), says("done"))
        await studio.answer(agent, text)
        uses = [each.tool_use for each in studio.gateway.requests]
        assert uses == [ToolUse.REQUIRED, ToolUse.REQUIRED, ToolUse.AUTO]


class TestGuardrails:
    @pytest.mark.parametrize(
        ("guardrails", "code"),
        [
            (Guardrails(max_input_chars=3), "INPUT_TOO_LONG"),
            (Guardrails(blocked_patterns=("nothing", "(?i)SECRET")), "INPUT_BLOCKED"),
        ],
    )
    async def test_what_may_not_go_in_reaches_no_model(
        self, guardrails: Guardrails, code: str
    ) -> None:
        studio = Studio()
        agent = await studio.agent(model="echo:echo", guardrails=guardrails)
        traced = await studio.answer(agent, "the secret")
        assert traced.failure == (code, "agent")
        assert studio.gateway.requests == []

    @pytest.mark.parametrize(
        ("guardrails", "code"),
        [
            (Guardrails(max_output_chars=3), "OUTPUT_TOO_LONG"),
            (Guardrails(blocked_patterns=("se" + "cret$",)), "OUTPUT_BLOCKED"),
        ],
    )
    async def test_what_may_not_come_out_is_not_told(
        self, guardrails: Guardrails, code: str
    ) -> None:
        studio = Studio()
        agent = await studio.agent(guardrails=guardrails)
        traced = await studio.answer(agent, script(says("the secret")))
        assert traced.failure == (code, "agent")
        assert traced.run.output is None
        assert studio.gateway.aloud == [False]

    async def test_personal_data_is_replaced_on_both_ways(self) -> None:
        studio = Studio()
        guardrails = Guardrails(redact_pii=(Personal.EMAIL, Personal.CREDIT_CARD))
        helper = await studio.agent("Helper", model="echo:echo")
        agent = await studio.agent(
            instructions="Ask ada@example.org.",
            guardrails=guardrails,
            sub_agents=(helper.agent_id,),
        )
        text = script(
            asks("helper", "bob@example.org pays by 4111 1111 1111 1111"),
            says("Mail carl@example.org, 4111 1111 1111 1112"),
        )
        traced = await studio.answer(agent, text)
        assert traced.output == "Mail [EMAIL], 4111 1111 1111 1112"
        seen = json.dumps([each.content for each in studio.gateway.last.messages])
        assert "example.org" not in seen and "4111 1111 1111 1111" not in seen
        assert results(studio.gateway.last.messages) == ["[EMAIL] pays by [CREDIT_CARD]"]
        assert studio.gateway.told(ChatRole.SYSTEM) == ["Ask [EMAIL]."]

    async def test_the_trace_of_the_calls_has_no_personal_data(self) -> None:
        studio = Studio()
        helper = await studio.agent("Helper", model="echo:echo")
        guardrails = Guardrails(redact_pii=(Personal.EMAIL,))
        agent = await studio.agent(guardrails=guardrails, sub_agents=(helper.agent_id,))
        text = script(asks("helper", "bob@example.org"), says("Mail carl@example.org"))
        node, *steps = (await studio.answer(agent, text)).steps
        assert "example.org" not in json.dumps([[each.input, each.output] for each in steps])
        assert [each.output for each in steps if each.kind is StepKind.TOOL] == ["[EMAIL]"]
        assert node.input["input"] == text

    async def test_a_context_is_looked_at_as_the_input_is(self) -> None:
        studio = Studio()
        guardrails = Guardrails(blocked_patterns=("secret",))
        agent = await studio.agent(model="echo:echo", guardrails=guardrails)
        traced = await studio.answer(agent, "hello", context={"note": "the secret"})
        assert traced.failure == ("INPUT_BLOCKED", "agent")
        assert studio.gateway.requests == []

    async def test_a_pattern_that_would_take_for_ever_does_not(self) -> None:
        studio = Studio()
        agent = await studio.agent(
            model="echo:echo", guardrails=Guardrails(blocked_patterns=("(a+)+$",))
        )
        traced = await studio.answer(agent, "a" * 50_000 + "!")
        assert traced.output == "a" * 50_000 + "!"

    async def test_who_may_be_heard_is_heard_at_once(self) -> None:
        studio = Studio()
        helper = await studio.agent("Helper")
        agent = await studio.agent(sub_agents=(helper.agent_id,))
        await studio.answer(agent, script(asks("helper", script(says("x"))), says("y")))
        assert studio.gateway.aloud == [True, False, True]
