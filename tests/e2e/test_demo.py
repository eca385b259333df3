"""`make demo`, on a server of its own and on one that runs."""

import os
import subprocess
import sys
from pathlib import Path

from support.commands import serving

DEMO = [sys.executable, "-m", "orbiter.entrypoints.demo"]


def shown(**settings: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ORBITER_")}
    return subprocess.run(DEMO, env=clean | settings, capture_output=True, text=True, timeout=90)


def test_the_demo_shows_a_trace_on_a_server_of_its_own() -> None:
    demo = shown()
    assert demo.returncode == 0, demo.stdout + demo.stderr
    for told in ("weather", "cities", "line [2]", "skipped", "completed", "Lisbon: 19 °C"):
        assert told in demo.stdout


def test_the_demo_tells_what_a_running_server_must_allow(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        demo = shown(ORBITER_URL=f"http://127.0.0.1:{server.port}")
    assert demo.returncode == 1
    assert "ORBITER_EGRESS_ALLOW=127.0.0.1:8099" in demo.stdout
