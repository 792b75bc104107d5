"""The table of the published rules of routing."""

from sqlalchemy import Boolean, Column, Integer, Table

from callcenter.storage.columns import Utc, Words
from callcenter.storage.schema import metadata

routing_versions = Table(
    "routing_versions",  # only ever added to; the latest is in service
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("rules", Words, nullable=False),
    Column("digest", Words, nullable=False),
    Column("at", Utc, nullable=False),
    Column("by_id", Integer),  # null: the core, at its start
    Column("note", Words, nullable=False),
    Column("from_file", Boolean, nullable=False),  # these were the settings' rules
)
