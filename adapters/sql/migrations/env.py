"""What alembic runs a migration in; `orbiter.adapters.sql.schema` gives it the connection."""

from alembic import context

from orbiter.adapters.sql.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
