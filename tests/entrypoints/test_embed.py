"""A core inside a program, on a SQLite file that is its alone."""

from pathlib import Path

import pytest

from orbiter.entrypoints import embed
from support.commands import orbiter, serving


def url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder}/orbiter.db"


async def test_a_file_is_for_one_core_at_a_time(tmp_path: Path) -> None:
    async with embed.connect(url(tmp_path), data_dir=tmp_path):
        with pytest.raises(embed.DataFolderUnusable, match=f"at work on {tmp_path}/orbiter.db"):
            async with embed.connect(url(tmp_path), data_dir=tmp_path / "another"):
                pass
        other = f"sqlite+aiosqlite:///{tmp_path}/other.db"
        async with embed.connect(other, data_dir=tmp_path) as core:
            await core.storage.ready()
    async with embed.connect(url(tmp_path), data_dir=tmp_path) as core:
        await core.storage.ready()


async def test_a_core_and_a_server_keep_each_other_off(tmp_path: Path) -> None:
    async with embed.connect(url(tmp_path), data_dir=tmp_path):
        refused = orbiter("serve", folder=tmp_path)
        assert refused.returncode == 1
        assert refused.stderr == f"Another Orbiter is at work on {tmp_path}/orbiter.db\n"
    with serving(tmp_path):
        with pytest.raises(embed.DataFolderUnusable, match="Another Orbiter is at work on"):
            async with embed.connect(url(tmp_path), data_dir=tmp_path):
                pass


async def test_an_operator_is_told_at_the_start_that_the_key_is_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = "o" * 32, "n" * 32
    told = {}
    for key in (old, new, f"{new},{old}"):
        caplog.clear()
        async with embed.connect(url(tmp_path), data_dir=tmp_path, secret_key=key) as core:
            told[key] = [
                each.getMessage() for each in caplog.records if each.levelname == "WARNING"
            ]
            ada = await embed.member(core, "ada@example.org")
            if key == old:
                await core.secrets.create(ada, name="TOKEN", value="correct-horse")
    assert (told[old], told[f"{new},{old}"]) == ([], [])
    (warning,) = told[new]
    assert warning.startswith("No key opens what is encrypted in secrets: is ORBITER_SECRET_KEY")
