"""What docs/operations.md says of settings is what they are."""

import re
from pathlib import Path

from orbiter.entrypoints.settings import DEFINITIONS

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
ROW = re.compile(r"^\| `(ORBITER_\w+)` \| (?:`(.*?)`)? ?\| ", re.MULTILINE)


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(ROW.findall(PAGE.read_text()))
    assert documented == {name: known.default for name, known in DEFINITIONS.items()}


def test_settings_that_may_stand_in_files_are_named() -> None:
    files = [f"`{name}`" for name, known in DEFINITIONS.items() if known.secret]
    assert f"{', '.join(files[:-1])} and {files[-1]} may stand in files" in PAGE.read_text()
