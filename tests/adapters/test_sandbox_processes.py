"""The sandbox's worker processes: begun late, replaced, and gone at the end."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.adapters.sandbox.monty import WORKERS, MontySandbox
from orbiter.application.ports.sandbox import SandboxError

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
SPIN = "while True: pass"


def workers() -> set[int]:
    """Return the worker processes of this process."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == os.getpid() and b"monty" in command.partition(b"\0")[0]:
            found.add(int(folder.name))
    return found


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def ticks(pid: int) -> int:
    """Return for how many clock ticks a process has computed."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


class Opened:
    """A sandbox and the processes that came with it."""

    def __init__(self, seconds: float = 0.5) -> None:
        self.sandbox = MontySandbox(seconds=seconds)
        self._others = workers()

    @property
    def workers(self) -> set[int]:
        return workers() - self._others


@pytest.fixture
def opened() -> Iterator[Opened]:
    made = Opened()
    yield made
    made.sandbox.close()


@linux
async def test_nothing_is_started_before_there_is_code_to_run(opened: Opened) -> None:
    assert opened.workers == set()
    await opened.sandbox.run("1")
    assert len(opened.workers) == 1


@linux
async def test_thousands_of_calls_leave_neither_processes_nor_memory_behind(
    opened: Opened,
) -> None:
    async def many(count: int) -> None:
        for number in range(count):
            code = f"x = [{number}] * 10000\nprint(len(x))\nlen(x)"
            assert (await opened.sandbox.run(code)).value == 10_000

    await many(1000)
    before = resident_mib(os.getpid())
    await many(4000)
    assert resident_mib(os.getpid()) - before < 8
    assert len(opened.workers) <= WORKERS
    assert all(resident_mib(pid) < 40 for pid in opened.workers)


@linux
async def test_there_are_no_more_processes_than_may_be(opened: Opened) -> None:
    codes = await asyncio.gather(*(opened.sandbox.run(f"{n}") for n in range(200)))
    assert [done.value for done in codes] == list(range(200))
    assert len(opened.workers) <= WORKERS


@linux
async def test_a_killed_worker_is_replaced(opened: Opened) -> None:
    await opened.sandbox.run("1")
    (pid,) = opened.workers
    os.kill(pid, signal.SIGKILL)
    while opened.workers:
        await asyncio.sleep(0)
    assert (await opened.sandbox.run("2")).value == 2


@linux
@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGKILL, "SANDBOX_UNAVAILABLE"), (signal.SIGSTOP, "CODE_TIMEOUT")]
)
async def test_a_worker_that_does_not_come_back_fails_its_call_alone(
    sent: signal.Signals, code: str
) -> None:
    opened = Opened(seconds=2)
    await opened.sandbox.run("1")
    (pid,) = opened.workers
    idle = ticks(pid)
    spin = asyncio.create_task(opened.sandbox.run(SPIN))
    while ticks(pid) < idle + 15 and not spin.done():
        await asyncio.sleep(0)
    os.kill(pid, sent)
    with pytest.raises(SandboxError) as refusal:
        await spin
    assert refusal.value.code == code
    assert (await opened.sandbox.run("2")).value == 2
    assert pid not in opened.workers
    opened.sandbox.close()


@linux
async def test_close_ends_what_runs_and_what_waits_and_leaves_no_process(opened: Opened) -> None:
    await opened.sandbox.run("1")
    spins = [asyncio.create_task(opened.sandbox.run(SPIN)) for _ in range(WORKERS + 2)]
    while len(opened.workers) < WORKERS:
        await asyncio.sleep(0)
    opened.sandbox.close()
    ends = await asyncio.gather(*spins, return_exceptions=True)
    assert all(isinstance(end, SandboxError | asyncio.CancelledError) for end in ends)
    async with asyncio.timeout(5):
        while opened.workers:
            await asyncio.sleep(0.01)


async def test_a_closed_sandbox_says_so(opened: Opened) -> None:
    opened.sandbox.close()
    opened.sandbox.close()
    for call in (
        opened.sandbox.run("1"),
        opened.sandbox.call("def f(): pass", "f", {}),
        opened.sandbox.complaints("1"),
    ):
        with pytest.raises(SandboxError) as refusal:
            await call
        assert (refusal.value.code, refusal.value.message) == (
            "SANDBOX_UNAVAILABLE",
            "The sandbox was closed",
        )


async def test_a_cancelled_call_gives_its_place_back(opened: Opened) -> None:
    spins = [asyncio.create_task(opened.sandbox.run(SPIN)) for _ in range(3 * WORKERS)]
    await opened.sandbox.complaints("1")
    for spin in spins:
        spin.cancel()
    assert (await opened.sandbox.run("1")).value == 1


async def test_workers_have_no_environment(opened: Opened) -> None:
    await opened.sandbox.run("1")
    for pid in opened.workers:
        assert Path(f"/proc/{pid}/environ").read_bytes() == b""


@pytest.mark.parametrize("ending", ["", "sandbox.close()", "raise SystemExit(0)", "del sandbox"])
def test_a_program_ends_whether_or_not_it_closes_its_sandbox(ending: str) -> None:
    program = f"""
        import asyncio
        from orbiter.adapters.sandbox.monty import MontySandbox

        sandbox = MontySandbox(seconds=0.3)

        async def main():
            print((await sandbox.run("1 + 1")).value)
            spin = asyncio.create_task(sandbox.run("while True: pass"))
            await sandbox.run("1")
            spin.cancel()

        asyncio.run(main())
        {ending}
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")


def test_monty_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys, orbiter.adapters.sandbox.monty as m\n"
        "m.MontySandbox()\n"
        "print('pydantic_monty' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n"
