"""Code that means harm: each ends with a clear error, in time, while others are served."""

import asyncio
import os
from collections.abc import Iterator
from time import perf_counter

import pytest

from orbiter.adapters.sandbox.monty import MontySandbox
from orbiter.application.ports.sandbox import SandboxError

SECRET = "ORBITER_TEST_SECRET"
MEMORY = {
    "text": "'a' * 2**31",
    "list": "[0] * 10**9",
    "lists in lists": "x = []\nwhile True: x = [x, x]",
    "ever more": "x = []\nwhile True: x.append('a' * 1000)",
    "power": "9**9**9",
    "shift": "1 << 10**10",
    "pow": "pow(3, 10**8)",
    "sort": "sorted(range(10**8))",
    "format": "'{:>2000000000}'.format('x')",
    "old format": "'%2000000000d' % 1",
    "new format": "f'{1:.2000000000f}'",
    "just below": "'a' * (63 << 20)",
    "bytes": "bytes(60 << 20).hex()",
    "replace": "('a' * 10**6).replace('a', 'b' * 10**6)",
    "join": "','.join(['a' * 10**6] * 10**6)",
    "split": "('a b ' * (10 << 20)).split()",
    "product": "import itertools\nlist(itertools.product(range(1000), repeat=5))",
    "digits": "import decimal\ndecimal.getcontext().prec = 10**9\ndecimal.Decimal(1) / 3",
    "random": "import random\nrandom.randbytes(10**9)",
    "tasks": "import asyncio\nasync def f(): await asyncio.gather(f(), f())\nawait f()",
    "parser": "exec('a;' * 3000000)",
    "caught": "try: x = [0] * 10**9\nexcept MemoryError: x = [0] * 10**9",
}
TIME = {
    "spin": "while True: pass",
    "caught spin": "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
    "sleep": "import time\nwhile True: time.sleep(3600)",
    "sum": "sum(range(10**12))",
    "bignum": "x = 3\nwhile True: x = x * x",
    "division": "divmod(3**10000000, 3**5000000)",
    "gcd": "import math\nmath.gcd(3**5000000, 5**5000000)",
    "factorial": "import math\nmath.factorial(10**7)",
    "collisions": "class A:\n  def __hash__(self): return 1\n  def __eq__(self, o): return False\n"
    "x = {A(): 1 for i in range(100000)}",
    "hash": "import hashlib\nhashlib.pbkdf2_hmac('sha256', b'a', b'b', 10**9)",
    "regex": "import re\nre.search(r'(?=(a+))\\1+$', 'a' * 100000 + 'b')",
}
ESCAPES = {
    "classes": "().__class__.__mro__[-1].__subclasses__()",
    "by name": "getattr('', '__cl' + 'ass__')",
    "by format": "'{0.__class__}'.format(1)",
    "type": "type('').__mro__",
    "globals": "(lambda: 1).__globals__",
    "code": "(lambda: 1).__code__",
    "builtins": "__builtins__",
    "import": "__import__('os')",
    "open": "open('/etc/passwd').read()",
    "write": "open('/tmp/orbiter', 'w')",
    "path": "import pathlib\npathlib.Path('/etc/passwd').read_text()",
    "folder": "import os\nos.listdir('/')",
    "proc": "open('/proc/self/environ').read()",
    "maps": "import pathlib\npathlib.Path('/proc/self/maps').read_text()",
    "environment": f"import os\nos.environ['{SECRET}']",
    "getenv": f"import os\nos.getenv('{SECRET}')",
    "system": "import os\nos.system('id')",
    "fork": "import os\nos.fork()",
    "kill": "import os\nos.kill(1, 9)",
    "in exec": "exec('import os; os.system(\"id\")')",
    "in eval": "eval('open(\"/etc/passwd\")')",
    "compile": "compile('1', 'a', 'eval')",
    "modules": "import sys\nsys.modules",
    "shell": "import asyncio\nasyncio.create_subprocess_shell('id')",
} | {
    module: f"import {module}"
    for module in ("subprocess", "socket", "ctypes", "importlib", "builtins", "threading", "urllib")
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[MontySandbox]:
    os.environ[SECRET] = "s3cret"
    opened = MontySandbox()
    yield opened
    opened.close()
    del os.environ[SECRET]


@pytest.fixture(scope="module")
def hasty() -> Iterator[MontySandbox]:
    opened = MontySandbox(seconds=0.3)
    yield opened
    opened.close()


async def attacked(sandbox: MontySandbox, code: str) -> tuple[SandboxError, float, float]:
    """Return how *code* ended, after how long, and the longest that others had to wait."""
    began = perf_counter()
    attack = asyncio.create_task(sandbox.run(code))
    longest = 0.0
    while not attack.done():
        asked = perf_counter()
        assert (await sandbox.run("1 + 1")).value == 2
        longest = max(longest, perf_counter() - asked)
    took = perf_counter() - began
    error = attack.exception()
    assert isinstance(error, SandboxError), attack.result()
    return error, took, longest


@pytest.mark.parametrize("name", MEMORY)
async def test_memory_is_bounded(sandbox: MontySandbox, name: str) -> None:
    error, took, longest = await attacked(sandbox, MEMORY[name])
    assert error.code == "CODE_MEMORY_LIMIT"
    assert error.message == "The code took more than 64 MiB of memory"
    assert took < 3 and longest < 1


@pytest.mark.parametrize("name", TIME)
async def test_time_is_bounded(hasty: MontySandbox, name: str) -> None:
    error, took, longest = await attacked(hasty, TIME[name])
    assert (error.code, error.message) == ("CODE_TIMEOUT", "The code took more than 0.3 s")
    assert took < 1.7 and longest < 1


async def test_by_default_it_is_over_in_less_than_three_seconds(sandbox: MontySandbox) -> None:
    attacks = (attacked(sandbox, TIME[name]) for name in ("spin", "bignum"))
    for error, took, longest in await asyncio.gather(*attacks):
        assert error.message == "The code took more than 2 s"
        assert 1.9 < took < 3 and longest < 1


@pytest.mark.parametrize(
    "code", ["while True: print('x' * 1000)", "print('x' * (50 << 20))", "print('\\n' * 2**21)"]
)
async def test_a_flood_of_output_is_stopped(sandbox: MontySandbox, code: str) -> None:
    error, took, longest = await attacked(sandbox, code)
    assert error.code == "CODE_OUTPUT_LIMIT"
    assert error.message == "The code printed more than 1024 KiB"
    assert len(error.stdout) < 66_000
    assert took < 1.5 and longest < 1


@pytest.mark.parametrize("name", ESCAPES)
async def test_nothing_outside_is_within_reach(sandbox: MontySandbox, name: str) -> None:
    error, took, _ = await attacked(sandbox, ESCAPES[name])
    assert error.code in ("CODE_UNSUPPORTED", "CODE_FAILED")
    assert "Error: " in error.message and "s3cret" not in error.message
    assert took < 1


@pytest.mark.parametrize(
    "code",
    [
        "def f(n): return f(n + 1)\nf(0)",
        "class A:\n  def __repr__(self): return repr(self)\nrepr(A())",
        "class A:\n  def __eq__(self, other): return self == other\nA() == A()",
        "x = ()\nfor i in range(200000): x = (x,)\nhash(x)",
        "x = []\nfor i in range(200000): x = [x]\nimport copy\ncopy.deepcopy(x)",
        "import tomllib\ntomllib.loads('a=' + '[' * 100000)",
    ],
)
async def test_recursion_is_bounded(sandbox: MontySandbox, code: str) -> None:
    error, took, _ = await attacked(sandbox, code)
    assert (error.code, error.message[:16]) == ("CODE_FAILED", "RecursionError: ")
    assert took < 1


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(a|a)*b", "(.*a){20}$", "(x+x+)+y", "(?:a?){30}a{30}c"]
)
async def test_a_pattern_takes_no_longer_than_its_text(sandbox: MontySandbox, pattern: str) -> None:
    began = perf_counter()
    done = await sandbox.run("import re\nre.match(pattern, 'a' * 5000 + '!')", {"pattern": pattern})
    assert done.value is None
    assert perf_counter() - began < 2


async def test_as_many_spins_as_there_are_workers_leave_the_event_loop_its_time(
    hasty: MontySandbox,
) -> None:
    spins = [asyncio.create_task(hasty.run("while True: pass")) for _ in range(8)]
    longest, last = 0.0, perf_counter()
    while not all(spin.done() for spin in spins):
        await asyncio.sleep(0)
        longest, last = max(longest, perf_counter() - last), perf_counter()
    assert longest < 0.5
    codes = {getattr(spin.exception(), "code", None) for spin in spins}
    assert codes == {"CODE_TIMEOUT"}
