"""Blobs: what is kept under which names, and that no name leads anywhere else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orbiter.adapters.blobs.folder import FolderBlobs
from orbiter.adapters.memory.blobs import MemoryBlobs
from orbiter.adapters.sql.blobs import BlobRows, SqlBlobs
from orbiter.adapters.sql.database import Database
from orbiter.application.ports.blobs import (
    BLOB_MAX,
    NAME_MAX,
    SEGMENT_MAX,
    Blobs,
    is_blob_name,
)
from orbiter.domain.errors import Unavailable

WRONG: Final = (
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/..",
    "a/../b",
    "a/./b",
    "a.",
    "a./b",
    "a\\b",
    "a\0b",
    "a\nb",
    "\ud800",
    "x" * (SEGMENT_MAX + 1),
    "é" * SEGMENT_MAX,
    "/".join(["x" * 99] * 11),
)
segments: Final = st.text("ab.-0 /é~", min_size=1, max_size=4)
good_names: Final = st.lists(segments, min_size=1, max_size=3).map("/".join).filter(is_blob_name)
any_names: Final = st.lists(
    st.sampled_from(["..", ".", "", "~", "a", "etc", "\0"]) | st.text(max_size=5), max_size=6
).map("/".join)
many: Final = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(params=["memory", "folder", "sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> str:
    """Where each kind of blob store is, empty."""
    in_sql = request.param in ("sqlite", "postgresql")
    return str(request.getfixturevalue(f"{request.param}_url") if in_sql else request.param)


@pytest.fixture
async def blobs(place: str, tmp_path: Path) -> AsyncIterator[Blobs]:
    """An empty blob store of each kind."""
    match place:
        case "memory":
            yield MemoryBlobs()
        case "folder":
            yield FolderBlobs(tmp_path / "data" / "blobs")
        case url:
            database = Database.connect(url)
            yield SqlBlobs(database)
            await database.close()


async def emptied(blobs: Blobs) -> None:
    await blobs.remove(*[name for name, _ in await blobs.list(limit=10_000)])
    assert await blobs.list() == []


async def test_what_is_put_comes_back_and_may_be_replaced(blobs: Blobs) -> None:
    assert await blobs.get("runs/a/b") is None
    for data in (b"", b"\0\xff", b"x" * 5_000_000, b"y"):
        for _ in range(2):
            await blobs.put("runs/a/b", data)
            assert await blobs.get("runs/a/b") == data
    assert await blobs.list() == [("runs/a/b", 1)]


async def test_a_prefix_ends_where_a_segment_does(blobs: Blobs) -> None:
    for name in ("a", "a/b", "a/b/c", "a/bc", "a-b", "ab", "a0", "A"):
        await blobs.put(name, name.encode())
    assert [name for name, _ in await blobs.list("a")] == ["a", "a/b", "a/b/c", "a/bc"]
    assert await blobs.list("a/b") == [("a/b", 3), ("a/b/c", 5)]
    assert await blobs.list("a/bc") == [("a/bc", 4)]
    assert await blobs.list("b") == []
    await blobs.remove("a/b", "nothing", "A")
    assert [name for name, _ in await blobs.list()] == ["a", "a-b", "a/bc", "a0", "ab"]
    await blobs.remove("a")
    await blobs.remove()
    assert [name for name, _ in await blobs.list()] == ["a-b", "a0", "ab"]
    assert await blobs.get("a-b") == b"a-b"
    assert await blobs.get("a/bc") is None


@many
@given(st.sets(good_names, max_size=12), good_names, st.integers(1, 5))
async def test_pages_hold_every_name_once_and_in_order(
    blobs: Blobs, names: set[str], prefix: str, limit: int
) -> None:
    await emptied(blobs)
    for name in names:
        await blobs.put(name, name.encode())
    for under in ("", prefix):
        wanted = [each for each in names if not under or f"{each}/".startswith(f"{under}/")]
        found: list[str] = []
        while page := await blobs.list(under, after=found[-1] if found else "", limit=limit):
            assert len(page) <= limit
            assert all(size == len(name.encode()) for name, size in page)
            found += [name for name, _ in page]
        assert found == sorted(wanted)
    await blobs.remove(prefix)
    left = {each for each in names if not f"{each}/".startswith(f"{prefix}/")}
    assert {name for name, _ in await blobs.list()} == left


@pytest.mark.parametrize("name", WRONG)
async def test_what_can_be_no_name_is_refused(blobs: Blobs, name: str) -> None:
    assert not is_blob_name(name)
    for work in (blobs.put(name, b"x"), blobs.get(name), blobs.remove("a", name)):
        with pytest.raises(ValueError, match="No blob can be named"):
            await work
    if name:
        for listing in (blobs.list(name), blobs.list(after=name)):
            with pytest.raises(ValueError, match="No blob can be named"):
                await listing
    assert await blobs.list() == []


async def test_long_names_and_odd_ones_are_kept(blobs: Blobs) -> None:
    names = {
        "x" * SEGMENT_MAX,
        "é" * (SEGMENT_MAX // 2),
        "/".join(["x"] * (NAME_MAX // 2)),
        "artifacts/w/r/Größe (1)/.env",
        "~",
        "-rf",
        "%2e%2e/C:",
        "*",
        "a'b\"c",
    }
    for name in names:
        await blobs.put(name, name.encode())
    assert {name for name, _ in await blobs.list()} == names
    for name in names:
        assert await blobs.get(name) == name.encode()


async def test_a_blob_has_its_bound(blobs: Blobs) -> None:
    with pytest.raises(ValueError, match="up to 64 MiB"):
        await blobs.put("large", bytes(BLOB_MAX + 1))
    assert await blobs.list() == []


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_names)
@example("../outside/secret")
@example("a/../../outside/secret")
@example("/etc/orbiter")
async def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    folder, secret = tmp_path / "inside", tmp_path / "outside" / "secret."
    secret.parent.mkdir(exist_ok=True)
    secret.write_bytes(b"secret")
    blobs = FolderBlobs(folder)
    if is_blob_name(name):
        await blobs.put(name, b"mine")
        assert await blobs.get(name) == b"mine"
        await blobs.remove(name)
    else:
        for work in (blobs.put(name, b"mine"), blobs.get(name), blobs.remove(name)):
            with pytest.raises(ValueError, match="No blob can be named"):
                await work
    assert secret.read_bytes() == b"secret"
    assert {each.name for each in tmp_path.iterdir()} <= {"inside", "outside"}
    assert [each for each in folder.rglob("*") if each.is_file()] == []


async def test_files_are_for_their_owner_alone_and_survive_the_process(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "blobs"
    await FolderBlobs(folder).put("runs/a/b", b"kept")
    assert await FolderBlobs(folder).get("runs/a/b") == b"kept"
    modes = {each.name: each.stat().st_mode & 0o777 for each in [folder, *folder.rglob("*")]}
    assert modes == {"blobs": 0o700, "runs": 0o700, "a": 0o700, "b.": 0o600}


async def test_a_full_or_broken_store_is_unavailable_and_leaves_nothing_half(
    tmp_path: Path,
) -> None:
    (tmp_path / "runs").write_bytes(b"in the way")
    blobs = FolderBlobs(tmp_path)
    for work in (blobs.put("runs/a", b"x"), blobs.get("runs/a"), blobs.remove("runs")):
        with pytest.raises(Unavailable, match="blob store"):
            await work
    assert [each.name for each in tmp_path.iterdir()] == ["runs"]


async def test_what_was_half_written_is_no_blob_and_goes_with_its_folder(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    await blobs.put("runs/a/b", b"kept")
    (tmp_path / "runs" / "a" / "0123456789abcdef.part").write_bytes(b"ke")
    assert await blobs.list() == [("runs/a/b", 4)]
    await blobs.remove("runs/a")
    assert list((tmp_path / "runs").iterdir()) == []


async def test_a_transaction_that_rolls_back_leaves_no_blob(database: Database) -> None:
    with pytest.raises(KeyError):
        async with database.writing() as transaction:
            await BlobRows(transaction).put("a", b"x")
            raise KeyError
    assert await SqlBlobs(database).list() == []
