"""The README's five minutes, typed as they stand, against a real server."""

import re
import subprocess
from pathlib import Path

from support.commands import serving

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
PRINTED = re.findall(r"```text\n(.*?)```", README, re.DOTALL)


def test_the_tour_prints_what_the_readme_shows(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        typed = COMMANDS.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
        assert typed != COMMANDS
        toured = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", f"CSRF=\n{typed}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (toured.returncode, toured.stderr) == (0, "")
    registered, _, rest = toured.stdout.partition("\n")
    assert '"email":"ada@example.org"' in registered
    assert rest == "".join(PRINTED)
