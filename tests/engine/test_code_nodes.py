"""Nodes that run code."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from orbiter.adapters.sandbox.monty import MontySandbox
from orbiter.application.ports.sandbox import CodeResult, Sandbox
from orbiter.domain.runs import StepStatus
from orbiter.domain.workflows import OnError, Retry
from support.graphs import Laboratory, Traced, graph, node
from support.power import House

START, END = node("start", "start"), node("end", "end")
PRICE = """
RATE = {"de": 1.19, "fr": 1.2}

def main(inputs):
    print("net", inputs["net"])
    print(f'{inputs["country"]}: {RATE[inputs["country"]]}')
    return {"gross": inputs["net"] * RATE[inputs["country"]], "note": "{{ inputs.net }}"}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[MontySandbox]:
    opened = MontySandbox(seconds=0.5)
    yield opened
    opened.close()


@dataclass
class Counted:
    """A sandbox, and how often it was called."""

    sandbox: Sandbox
    calls: int = 0

    async def run(self, code: str, inputs: Mapping[str, Any] | None = None) -> CodeResult:
        self.calls += 1
        return await self.sandbox.run(code, inputs)

    async def call(self, code: str, function: str, arguments: Mapping[str, Any]) -> CodeResult:
        self.calls += 1
        return await self.sandbox.call(code, function, arguments)

    async def complaints(self, code: str) -> Sequence[str]:
        return await self.sandbox.complaints(code)


@dataclass
class Bench:
    """Runs one node of code."""

    sandbox: Sandbox
    inputs: Mapping[str, Any] = field(default_factory=dict)

    async def __call__(self, code: str, **settings: Any) -> Traced:
        drawn = graph(
            START,
            node("code", "code", code=code, **settings),
            END,
            edges="start > code, code > end",
        )
        return await Laboratory(sandbox=self.sandbox).run(drawn, **self.inputs)


async def test_main_gets_the_rendered_inputs_and_its_value_is_the_output(
    sandbox: MontySandbox,
) -> None:
    bench = Bench(sandbox, {"net": 100, "country": "fr"})
    traced = await bench(
        PRICE, inputs={"net": "{{ inputs.net }}", "country": "{{ inputs.country }}"}
    )
    assert traced.output == {"gross": 120, "note": "{{ inputs.net }}"}


async def test_what_it_prints_is_in_the_steps_logs_and_what_it_got_is_its_input(
    sandbox: MontySandbox,
) -> None:
    step = (await Bench(sandbox)(PRICE, inputs={"net": 10, "country": "fr"})).one("code")
    assert step.logs == ("net 10", "fr: 1.2")
    assert step.input == {"inputs": {"net": 10, "country": "fr"}}
    assert step.output == {"gross": 12.0, "note": "{{ inputs.net }}"}


async def test_without_inputs_main_gets_an_empty_object(sandbox: MontySandbox) -> None:
    assert (await Bench(sandbox)("def main(given): return [given]")).output == [{}]


async def test_a_failure_has_the_sandboxs_code_and_what_was_printed_before_it(
    sandbox: MontySandbox,
) -> None:
    traced = await Bench(sandbox)("def main(inputs):\n  print('so far')\n  return 1 / 0")
    assert traced.failure == ("CODE_FAILED", "code")
    assert traced.run.error and traced.run.error.message == (
        "ZeroDivisionError: division by zero (line 3)"
    )
    step = traced.one("code")
    assert (step.status, step.logs) == (StepStatus.FAILED, ("so far",))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("while True: pass", "CODE_TIMEOUT"),
        ("return 'a' * 10**9", "CODE_MEMORY_LIMIT"),
        ("while True: print('a' * 1000)", "CODE_OUTPUT_LIMIT"),
        ("return {1}", "CODE_BAD_RESULT"),
        ("import requests", "CODE_UNSUPPORTED"),
        ("return open('/etc/passwd').read()", "CODE_UNSUPPORTED"),
        ("return 'a' * 1200000", "CODE_OUTPUT_LIMIT"),
    ],
)
async def test_a_graph_goes_on_from_whatever_its_code_does(
    sandbox: MontySandbox, body: str, code: str
) -> None:
    traced = await Bench(sandbox)(
        f"def main(inputs):\n  {body}", on_error=OnError.CONTINUE, fallback="none"
    )
    assert traced.output == "none"
    error = traced.one("code").error
    assert error is not None and error.code == code


async def test_inputs_that_cannot_be_rendered_fail_the_node_before_any_code_runs(
    sandbox: MontySandbox,
) -> None:
    counted = Counted(sandbox)
    traced = await Bench(counted)("def main(inputs): pass", inputs={"x": "{{ inputs.gone }}"})
    assert traced.failure == ("TEMPLATE_ERROR", "code")
    assert counted.calls == 0


async def test_it_is_tried_as_often_as_its_settings_say(sandbox: MontySandbox) -> None:
    counted = Counted(sandbox)
    traced = await Bench(counted)(
        "def main(inputs):\n  print('again')\n  raise ValueError('no')",
        retry=Retry(max_attempts=3, backoff_seconds=10),
    )
    assert traced.failure == ("CODE_FAILED", "code")
    assert counted.calls == 3
    step = traced.one("code")
    told = "failed: CODE_FAILED: ValueError: no (line 3)"
    assert step.attempt == 3
    assert step.logs == (
        *("again", f"Attempt 1 {told}"),
        *("again", f"Attempt 2 {told}"),
        "again",
    )
    assert traced.seconds == 30


async def test_an_attempts_own_time_out_is_obeyed(sandbox: MontySandbox) -> None:
    traced = await Bench(sandbox)("def main(inputs):\n  while True: pass", timeout=0.05)
    assert traced.failure == ("TIMEOUT", "code")


async def test_the_turns_of_a_loop_run_code_side_by_side(sandbox: MontySandbox) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="range(50)", concurrency=10),
        node(
            "square",
            "code",
            inside="loop",
            code="def main(n): return n['n'] ** 2",
            inputs={"n": "{{ item }}"},
        ),
        END,
        edges="start > loop, loop > end",
    )
    traced = await Laboratory(sandbox=sandbox).run(drawn)
    assert traced.output == [n**2 for n in range(50)]


@pytest.mark.parametrize("lost", [0, 1, 2, 3])
@pytest.mark.parametrize("lives", [1, 2, 3])
async def test_after_a_crash_nothing_runs_again_and_the_logs_are_those_of_before(
    sandbox: MontySandbox, lives: int, lost: int
) -> None:
    printing = "def main(inputs):\n  print('one')\n  print('two')\n  "
    drawn = graph(
        START,
        node("good", "code", code=printing + "return 1"),
        node(
            "bad",
            "code",
            code=printing + "raise ValueError('no')",
            on_error=OnError.CONTINUE,
            retry=Retry(max_attempts=2),
        ),
        END,
        edges="start > good, good > bad, bad > end",
    )
    counted = Counted(sandbox)
    traced = await House(Laboratory(sandbox=counted), drawn).to_the_end(lives, lost=lost)
    assert traced.output is None
    assert counted.calls == 3
    assert traced.one("good").logs == ("one", "two")
    told = "Attempt 1 failed: CODE_FAILED: ValueError: no (line 4)"
    assert traced.one("bad").logs == ("one", "two", told, "one", "two")
