"""Runs the numbered steps in `versions/` on the connection that `studio.db.Database` hands over."""

from alembic import context

from studio.db import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
