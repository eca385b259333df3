"""The first schema: workspaces and their users, projects, workflows, runs."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

_ID: Final = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")
_HASH: Final = sa.String(64)
_MOMENT: Final = sa.BigInteger()

# In the order they are made, as some refer to earlier ones.
_ACCOUNTS: Final = ("workspaces", "users", "password_resets", "sessions", "api_keys")
_RECORDS: Final = ("audit_log", "idempotency_keys", "rate_limits")
_WORK: Final = ("projects", "workflows", "workflow_versions", "runs", "steps")


def upgrade() -> None:
    """Bring the schema up."""
    _accounts()
    _credentials()
    _records()
    _workflows()
    _runs()


def downgrade() -> None:
    """Take the schema back."""
    for table in reversed((*_ACCOUNTS, *_RECORDS, *_WORK)):
        op.drop_table(table)


def _accounts() -> None:
    _create("workspaces", _id("id"), _text("name"), _moment("created_at"))
    _create(
        "users",
        _id("id"),
        _id("workspace_id"),
        _column("email", sa.String(254)),
        _column("name", sa.String(255), nullable=True),
        _column("role", sa.String(9)),
        _column("status", sa.String(7)),
        _column("password_hash", sa.String(255), nullable=True),
        _column("invite_token_hash", _HASH, nullable=True),
        _moment("invite_expires_at", nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        _column("email_key", sa.String(762)),
    )
    active = sa.text("status = 'active'")
    _index("users", "workspace_id", "id", unique=True)
    _index("users", "invite_token_hash")
    _index("users", "workspace_id", "email_key", name="uq_users_workspace_id_email_key")
    _index("users", "email_key", name="uq_users_active_email_key", where=active)


def _credentials() -> None:
    _create(
        "password_resets",
        _id("id"),
        _id("user_id"),
        _column("token_hash", _HASH),
        _moment("expires_at"),
        _refers("password_resets", ["user_id"], "users", ["id"]),
        sa.UniqueConstraint("token_hash", name="uq_password_resets_token_hash"),
        key=["user_id"],
    )
    _create(
        "sessions",
        _id("id"),
        _id("workspace_id"),
        _id("user_id"),
        _column("token_hash", _HASH),
        _text("address", nullable=True),
        _text("user_agent", nullable=True),
        _moment("created_at"),
        _moment("last_used_at"),
        _moment("expires_at"),
        _refers("sessions", ["workspace_id", "user_id"], "users", ["workspace_id", "id"]),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
    )
    _index("sessions", "workspace_id", "user_id", "id")
    _create(
        "api_keys",
        _id("id"),
        _id("workspace_id"),
        _id("created_by"),
        _column("name", sa.String(255)),
        _column("prefix", sa.String(12)),
        _column("key_hash", _HASH),
        _text("scopes"),
        _moment("expires_at", nullable=True),
        _moment("last_used_at", nullable=True),
        _moment("created_at"),
        _refers("api_keys", ["workspace_id", "created_by"], "users", ["workspace_id", "id"]),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
    )
    _index("api_keys", "workspace_id", "id")
    _index("api_keys", "workspace_id", "created_by", "id")


def _records() -> None:
    _create(
        "audit_log",
        _id("id"),
        _id("workspace_id"),
        _text("actor_id", nullable=True),
        _text("actor_email", nullable=True),
        _id("api_key_id", nullable=True),
        _text("action"),
        _text("entity_type"),
        _text("entity_id", nullable=True),
        _text("address", nullable=True),
        _moment("created_at"),
        _text("actor_key", nullable=True),
    )
    _index("audit_log", "workspace_id", "id")
    for column in ("actor_id", "actor_key", "action", "entity_id"):
        _index("audit_log", "workspace_id", column, "id")
    _index("audit_log", "workspace_id", "created_at")
    _create(
        "idempotency_keys",
        _column("user_id", sa.String(255)),
        _column("key", sa.String(255)),
        _column("fingerprint", _HASH),
        _column("answer", sa.LargeBinary(), nullable=True),
        _moment("claimed_at"),
        key=["user_id", "key"],
    )
    _index("idempotency_keys", "claimed_at")
    _create(
        "rate_limits",
        _column("key", _HASH),
        _column("period", sa.BigInteger()),
        _column("earlier", sa.Integer()),
        _column("current", sa.Integer()),
        _column("allowed", sa.Boolean()),
        _column("hit_at", sa.Float(53)),
        _column("expires_at", sa.Float(53)),
        key=["key"],
        prefixes=["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else [],
    )
    _index("rate_limits", "expires_at")


def _workflows() -> None:
    _create(
        "projects",
        _id("id"),
        _id("workspace_id"),
        _column("name", sa.String(255)),
        _text("description", nullable=True),
        _column("default_model", sa.String(255), nullable=True),
        _id("created_by"),
        _moment("created_at"),
        _moment("updated_at"),
    )
    _index("projects", "workspace_id", "id", unique=True)
    _create(
        "workflows",
        _id("id"),
        _id("workspace_id"),
        _id("project_id"),
        _column("name", sa.String(255)),
        _text("description", nullable=True),
        _column("status", sa.String(9)),
        _column("valid", sa.Boolean()),
        _text("issues"),
        _column("version", sa.BigInteger()),
        _column("revision", sa.BigInteger()),
        _id("created_by"),
        _moment("created_at"),
        _moment("updated_at"),
        _refers("workflows", ["workspace_id", "project_id"], "projects", ["workspace_id", "id"]),
    )
    _index("workflows", "workspace_id", "id")
    _index("workflows", "workspace_id", "project_id", "id")
    _create(
        "workflow_versions",
        _id("workflow_id"),
        _column("version", sa.BigInteger()),
        _text("canvas"),
        _text("variables"),
        _text("issues"),
        _id("created_by"),
        _moment("created_at"),
        _refers("workflow_versions", ["workflow_id"], "workflows", ["id"]),
        key=["workflow_id", "version"],
    )


def _runs() -> None:
    _create(
        "runs",
        _id("id"),
        _id("workspace_id"),
        _column("kind", sa.String(8)),
        _id("workflow_id", nullable=True),
        _id("agent_id", nullable=True),
        _id("project_id"),
        _column("version", sa.Integer()),
        _column("status", sa.String(9)),
        _column("trigger", sa.String(10)),
        _text("inputs"),
        _text("output"),
        _text("error"),
        *_spent(),
        _id("parent_run_id", nullable=True),
        _id("source_run_id", nullable=True),
        _id("conversation_id", nullable=True),
        _id("deployment_id", nullable=True),
        _moment("queued_at"),
        _moment("started_at", nullable=True),
        _moment("finished_at", nullable=True),
        _id("created_by", nullable=True),
        _text("searchable"),
        _refers("runs", ["workspace_id", "project_id"], "projects", ["workspace_id", "id"]),
    )
    for columns in (["id"], ["project_id", "id"], ["workflow_id", "id"], ["status", "id"]):
        _index("runs", "workspace_id", *columns)
    _index("runs", "workspace_id", "queued_at")
    unended = sa.text("status NOT IN ('cancelled', 'completed', 'failed')")
    _index("runs", "id", name="ix_runs_unended", where=unended, unique=False)
    _create(
        "steps",
        _id("run_id"),
        _id("id"),
        _column("sequence", sa.BigInteger()),
        _id("parent_step_id", nullable=True),
        _text("node_id"),
        _text("name"),
        _column("kind", sa.String(9)),
        _column("iteration", sa.Integer(), nullable=True),
        _column("attempt", sa.Integer()),
        _column("status", sa.String(9)),
        _text("input"),
        _text("output"),
        _text("error"),
        *_spent(),
        _text("model", nullable=True),
        _text("logs"),
        _moment("started_at", nullable=True),
        _moment("finished_at", nullable=True),
        _refers("steps", ["run_id"], "runs", ["id"]),
        key=["run_id", "id"],
    )
    _index("steps", "run_id", "sequence")


def _spent() -> list[sa.Column[Any]]:
    names = ("input_tokens", "output_tokens", "cost_usd")
    return [_column(name, sa.BigInteger()) for name in names]


def _create(table: str, *parts: Any, key: list[str] | None = None, **options: Any) -> None:
    primary = sa.PrimaryKeyConstraint(*(key or ["id"]), name=f"pk_{table}")
    op.create_table(table, *parts, primary, **options)


def _column(name: str, type_: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=nullable)


def _id(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return _column(name, _ID, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return _column(name, sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return _column(name, _MOMENT, nullable=nullable)


def _refers(table: str, columns: list[str], other: str, its: list[str]) -> Any:
    return sa.ForeignKeyConstraint(
        columns,
        [f"{other}.{column}" for column in its],
        name=f"fk_{table}_{other}",
        ondelete="CASCADE",
    )


def _index(
    table: str, *columns: str, name: str = "", unique: bool | None = None, where: Any = None
) -> None:
    op.create_index(
        name or f"ix_{table}_{'_'.join(columns)}",
        table,
        list(columns),
        unique=name.startswith("uq_") if unique is None else unique,
        sqlite_where=where,
        postgresql_where=where,
    )
