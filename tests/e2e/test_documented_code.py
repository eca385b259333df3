"""The code in the documentation runs, and prints what stands under it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAIRS = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
EXAMPLES = PAIRS.findall((DOCS / "embedding.md").read_text())


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize(("code", "printed"), EXAMPLES)
def test_a_documented_program_prints_what_is_documented(
    code: str, printed: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == printed
    assert list(tmp_path.iterdir()) == []
