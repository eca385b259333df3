"""What users' code gives, and how it is told what is wrong with it."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.adapters.sandbox.monty import MontySandbox
from orbiter.adapters.sandbox.subset import MODULES
from orbiter.application.execution.tools.run_python import run_python
from orbiter.application.ports.sandbox import SandboxError

WHOLE = st.integers(-(2**63), 2**63 - 1)
LEAVES = st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    LEAVES | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[MontySandbox]:
    opened = MontySandbox()
    yield opened
    opened.close()


async def refused(sandbox: MontySandbox, code: str, **inputs: Any) -> SandboxError:
    with pytest.raises(SandboxError) as refusal:
        await sandbox.run(code, inputs)
    return refusal.value


@given(VALUES)
@settings(deadline=None, max_examples=200)
async def test_what_json_has_goes_in_and_comes_out(sandbox: MontySandbox, value: Any) -> None:
    done = await sandbox.run("x", {"x": value})
    assert json.dumps(done.value) == json.dumps(value)
    done = await sandbox.call("def main(inputs): return inputs", "main", {"inputs": value})
    assert json.dumps(done.value) == json.dumps(value)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("", None),
        ("x = 1", None),
        ("1\nx = 2", None),
        ("x = 1; x + 1", 2),
        ("(1,\n 2)  # both", [1, 2]),
        ("'''told'''", "told"),
        ("'é'; x = 'ü'; x + f'{x!r}'", "ü'ü'"),
        ("x = 1\r\nx + 1\r\n", 2),
        ("def f(n):\n    return n\n\nf(3)\n\n# done", 3),
        ("{1: 'a', None: 'b'}", {"1": "a", "null": "b"}),
        ("[n * 2 for n in range(3)]", [0, 2, 4]),
        ("async def f(): return 5\nawait f()", 5),
        ("2**63 - 1, -2**63", [2**63 - 1, -(2**63)]),
        ("'<function f at 0xc>'", "<function f at 0xc>"),
        ("__result__ = 3", 3),
    ],
)
async def test_a_scripts_value_is_that_of_its_last_expression(
    sandbox: MontySandbox, code: str, value: Any
) -> None:
    assert (await sandbox.run(code)).value == value


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("{1, 2}", "type set"),
        ("[lambda: 1]", "type function"),
        ("b'abc'", "type bytes"),
        ("class A: pass\n{'a': A()}", "type A"),
        ("from dataclasses import dataclass\n@dataclass\nclass P:\n  x: int\nP(1)", "type P"),
        ("import datetime\ndatetime.date.today()", "type date"),
        ("range(3)", "type range"),
        ("async def f(): pass\nf()", "type coroutine"),
        ("{(1, 2): 3}", "not tuple"),
        ("float('nan')", "nan"),
        ("float('inf')", "inf"),
        ("2**63", "64 bits"),
        ("[-2**63 - 1]", "64 bits"),
        ("10**4000", "64 bits"),
        ("10**5000", "4300 digits"),
        ("x = []\nx.append(x)\nx", "Circular"),
        ("x = []\nfor i in range(60): x = [x]\nx", "60 levels"),
        ("x = 1\nfor i in range(61): x = {'a': x}\nx", "60 levels"),
        ("x = []\nfor i in range(900): x = [x]\nx", "60 levels"),
        ("x = []\nfor i in range(100000): x = [x]\nx", "recursion"),
    ],
)
async def test_what_json_lacks_is_refused_by_its_name(
    sandbox: MontySandbox, code: str, said: str
) -> None:
    error = await refused(sandbox, code)
    assert error.code == "CODE_BAD_RESULT"
    assert error.message.startswith("The result is no JSON: ")
    assert said in error.message


async def test_a_result_may_lie_sixty_levels_deep(sandbox: MontySandbox) -> None:
    for innermost in ("[]", "1"):
        depth = 59 if innermost == "[]" else 60
        done = await sandbox.run(f"x = {innermost}\nfor i in range({depth}): x = [x]\nx")
        assert json.dumps(done.value).count("[") == 60


async def test_a_result_may_take_a_mebibyte(sandbox: MontySandbox) -> None:
    assert len((await sandbox.run("'a' * (2**20 - 2)")).value) == 2**20 - 2
    error = await refused(sandbox, "'a' * (2**20 - 1)")
    assert (error.code, error.message) == (
        "CODE_OUTPUT_LIMIT",
        "The result takes more than 1024 KiB of JSON",
    )


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("x = 1\n\nx / 0", "ZeroDivisionError: division by zero (line 3)"),
        ("def f():\n  return {}['k']\n\nf()", "KeyError: k (line 2)"),
        ("raise ValueError('no')", "ValueError: no (line 1)"),
        ("gone", "NameError: name 'gone' is not defined (line 1)"),
        ("'a'.gone()", "AttributeError: 'str' object has no attribute 'gone' (line 1)"),
        ("import math\nmath.gone", "AttributeError: module 'math' has no attribute 'gone'"),
        ("'1' + 1", "TypeError: can only concatenate str"),
        ("raise NotImplementedError('later')", "NotImplementedError: later (line 1)"),
        ("raise TimeoutError('mine')", "TimeoutError: mine (line 1)"),
        ("raise MemoryError('mine')", "MemoryError: mine (line 1)"),
        ("assert 1 == 2, 'why'", "AssertionError: why"),
        ("def f(): return f()\nf()", "RecursionError: maximum recursion depth exceeded (line 1)"),
    ],
)
async def test_an_exception_is_told_with_its_line(
    sandbox: MontySandbox, code: str, told: str
) -> None:
    error = await refused(sandbox, code)
    assert error.code == "CODE_FAILED"
    assert error.message.startswith(told)


async def test_a_message_is_told_up_to_a_bound(sandbox: MontySandbox) -> None:
    error = await refused(sandbox, "raise ValueError('x' * 1000000)")
    assert error.message == "ValueError: " + 388 * "x" + " (line 1)"


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n  yield 1\nf()",
        "x = {}\ndel x",
        "class A(Exception): pass",
        "class A:\n  @property\n  def x(self): return 1",
        "from math import *",
        "import statistics",
        "import numpy as np",
        "from collections import OrderedDict",
        "import os\nos.environ['HOME']",
        "open('/etc/passwd')",
        "compile('1', 'a', 'eval')",
        "import re\nre.sub('a', lambda found: 'b', 'a')",
        "'a'.translate({})",
        "x = []\nadd = x.append",
        "import os\nos.system('id')",
    ],
)
async def test_what_the_sandbox_lacks_is_told_with_what_it_has(
    sandbox: MontySandbox, code: str
) -> None:
    error = await refused(sandbox, code)
    assert error.code == "CODE_UNSUPPORTED"
    assert "(line " in error.message
    assert "The sandbox runs a subset of Python" in error.message
    assert "json, math" in error.message
    assert "monty" not in error.message
    assert len(error.message) < 1000


@pytest.mark.parametrize("made", ["ValueError(404)", "KeyError('a', 1)", "Exception(None)"])
async def test_exceptions_of_anything_but_one_text_are_told(
    sandbox: MontySandbox, made: str
) -> None:
    error = await refused(sandbox, f"try:\n  raise {made}\nexcept Exception:\n  pass")
    assert error.code == "CODE_UNSUPPORTED"
    assert "exceptions take one text" in error.message
    assert "monty" not in error.message


async def test_the_modules_told_of_are_those_that_are_there(sandbox: MontySandbox) -> None:
    found = []
    for name in sorted(sys.stdlib_module_names):
        if not name.startswith("_"):
            done = await sandbox.run(
                f"try:\n  import {name}\n  x = 1\nexcept ImportError: x = 0\nx"
            )
            found += [name] * done.value
    assert tuple(found) == MODULES


@pytest.mark.parametrize("code", ["x =", " x", "(", "f'{'", "x\0y", "\ud800", "not " * 9000 + "1"])
async def test_what_is_no_python_is_refused_unrun(sandbox: MontySandbox, code: str) -> None:
    error = await refused(sandbox, f"print('no')\n{code}")
    assert (error.code, error.stdout) == ("CODE_SYNTAX_ERROR", "")


async def test_code_may_be_32_kib_long(sandbox: MontySandbox) -> None:
    assert (await sandbox.run("#" * 32 * 1024)).value is None
    error = await refused(sandbox, "#" * (32 * 1024 + 1))
    assert error.message == "The code is longer than 32 KiB"


async def test_what_was_printed_comes_with_the_value_and_with_the_failure(
    sandbox: MontySandbox,
) -> None:
    done = await sandbox.run("print('a', 1, sep='\\n', end='!')\nprint()\n2")
    assert (done.value, done.stdout) == (2, "a\n1!\n")
    assert (await refused(sandbox, "print('so far')\n1 / 0")).stdout == "so far\n"
    assert (await refused(sandbox, "print('so far')\n{1}")).stdout == "so far\n"


async def test_what_is_printed_is_cut(sandbox: MontySandbox) -> None:
    done = await sandbox.run("for i in range(1000): print('é' * 199)")
    kept, note = done.stdout[: 64 * 1024], done.stdout[64 * 1024 :]
    assert set(kept) == {"é", "\n"}
    assert note == "\n… cut after 64 KiB"


async def test_a_function_is_called_by_name(sandbox: MontySandbox) -> None:
    code = "_rate = 2\n\ndef price(net: float, *, rate: float = _rate): return net * rate"
    assert (await sandbox.call(code, "price", {"net": 2})).value == 4
    assert (await sandbox.call(code, "price", {"net": 2, "rate": 0.5})).value == 1
    with pytest.raises(SandboxError, match="unexpected keyword argument 'gross'"):
        await sandbox.call(code, "price", {"gross": 2})
    with pytest.raises(SandboxError, match="name 'cost' is not defined"):
        await sandbox.call(code, "cost", {})


async def test_the_function_and_what_stands_around_it_share_a_call(sandbox: MontySandbox) -> None:
    code = "print('read')\ndef main(): print('called')\nprint(__name__)"
    assert (await sandbox.call(code, "main", {})).stdout == "read\n__main__\ncalled\n"


async def test_one_call_leaves_nothing_to_the_next(sandbox: MontySandbox) -> None:
    for _ in range(8):
        await sandbox.run("import random\nkept = 1\nrandom.seed(1)")
    draws = set()
    for _ in range(8):
        assert (await refused(sandbox, "kept")).code == "CODE_FAILED"
        draws.add((await sandbox.run("import random\nrandom.random()")).value)
    assert len(draws) == 8


async def test_inputs_are_copies(sandbox: MontySandbox) -> None:
    given: dict[str, Any] = {"rows": [1]}
    assert (await sandbox.run("rows.append(2)\nrows", given)).value == [1, 2]
    assert given == {"rows": [1]}


async def test_sleeping_takes_no_time(sandbox: MontySandbox) -> None:
    code = "import asyncio, time\ntime.sleep(3600)\nawait asyncio.sleep(3600)\n'awake'"
    assert (await sandbox.run(code)).value == "awake"


@pytest.mark.parametrize(
    ("code", "complaints"),
    [
        ("print('never')", []),
        ("from __future__ import annotations\n'''doc'''\ndef f(x: int): return x", []),
        ("while True: pass", []),
        ("raise StopIteration", []),
        ("try:\n  import numpy\nexcept ImportError: pass", []),
        ("x =", ["SyntaxError: invalid syntax (line 1)"]),
        (
            "\ndef f():\n  yield 1",
            ["the sandbox does not run yield expressions (line 3)"],
        ),
        (
            "import json, numpy\nfrom a.b import c",
            [
                "the sandbox has no module 'numpy' (line 1)",
                "the sandbox has no module 'a.b' (line 2)",
            ],
        ),
        ("def f(a, a): pass", ["duplicate argument 'a' in function definition (line 1)"]),
        ("#" * 40_000, ["The code is longer than 32 KiB"]),
    ],
)
async def test_complaints_are_made_without_running_anything(
    sandbox: MontySandbox, code: str, complaints: list[str]
) -> None:
    assert await sandbox.complaints(code) == complaints


@given(st.text(max_size=60) | st.text("ab():=\n 'f{}[]#,.", max_size=60))
@settings(deadline=None, max_examples=200)
async def test_any_text_is_run_or_refused(sandbox: MontySandbox, code: str) -> None:
    await sandbox.complaints(code)
    try:
        await sandbox.run(code)
    except SandboxError as error:
        assert error.code.startswith("CODE_"), error


async def test_a_models_script_gives_its_value_and_what_it_printed(sandbox: MontySandbox) -> None:
    output, logs = await run_python(sandbox, {"code": "print('n:', n)\nn + 1", "inputs": {"n": 1}})
    assert (output, logs) == ({"result": 2, "stdout": "n: 1\n"}, ["n: 1"])
    output, logs = await run_python(sandbox, {"code": "x = 1"})
    assert (output, logs) == ({"result": None, "stdout": ""}, [])
