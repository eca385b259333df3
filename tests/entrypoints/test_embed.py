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
