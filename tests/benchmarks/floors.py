"""What Orbiter stands on, alone: the framework, a raw statement, a statement of SQLAlchemy Core."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import msgspec
import uvicorn
from litestar import Litestar, get, post
from litestar.params import FromPath
from sqlalchemy import Column, MetaData, String, Table, event, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

from orbiter.adapters.system.ids import new_id

NOW = "2026-11-24T09:30:00.123Z"
metadata = MetaData()
rows = Table(
    "rows",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(255)),
    Column("created_at", String(24)),
)


class Row(msgspec.Struct):
    """A small object, like a project."""

    id: str
    name: str
    created_at: str = NOW


def create_app(folder: Path, synchronous: str) -> Litestar:
    """Return the app; *folder* takes its SQLite file."""
    path = folder / "floors.db"
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

    @event.listens_for(engine.sync_engine, "connect")
    def _set(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            await connection.execute(insert(rows).values(id="1", name="one", created_at=NOW))
        async with aiosqlite.connect(path) as raw:
            await raw.execute(f"PRAGMA synchronous={synchronous}")
            app.state.raw = raw
            yield
        await engine.dispose()

    @get("/bare/{row_id:str}")
    async def bare(row_id: FromPath[str]) -> Row:
        return Row(id=row_id, name="one")

    @get("/raw/{row_id:str}")
    async def raw_get(row_id: FromPath[str]) -> Row:
        query = "SELECT id, name, created_at FROM rows WHERE id = ?"
        async with app.state.raw.execute(query, (row_id,)) as cursor:
            return Row(*await cursor.fetchone())

    @post("/raw")
    async def raw_post() -> Row:
        row = Row(id=new_id(), name="one")
        await app.state.raw.execute(
            "INSERT INTO rows VALUES (?, ?, ?)", msgspec.structs.astuple(row)
        )
        await app.state.raw.commit()
        return row

    @get("/core/{row_id:str}")
    async def core_get(row_id: FromPath[str]) -> Row:
        async with engine.connect() as connection:
            found = (await connection.execute(select(rows).where(rows.c.id == row_id))).one()
        return Row(*found)

    @post("/core")
    async def core_post() -> Row:
        row = Row(id=new_id(), name="one")
        async with engine.begin() as connection:
            await connection.execute(insert(rows).values(msgspec.structs.asdict(row)))
        return row

    app = Litestar(
        [bare, raw_get, raw_post, core_get, core_post], lifespan=[lifespan], openapi_config=None
    )
    return app


if __name__ == "__main__":
    uvicorn.run(
        create_app(Path(sys.argv[1]), sys.argv[3]),
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
