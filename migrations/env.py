"""Alembic's entry: runs the migrations on the connection that it is given.

Without one (``alembic`` typed by a developer) it takes the URL in ``CALLCENTER_DATABASE__URL``.
"""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection

from callcenter.settings import DatabaseSettings
from callcenter.storage.database import make_engine
from callcenter.storage.tables import metadata


def migrate(connection: Connection) -> None:
    """Run what is asked for, in the caller's transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        transactional_ddl=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_alone() -> None:
    """With a connection of our own."""
    url = DatabaseSettings(url=os.environ.get("CALLCENTER_DATABASE__URL", DatabaseSettings().url)).url
    engine = make_engine(url, writes=True)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    asyncio.run(migrate_alone())
