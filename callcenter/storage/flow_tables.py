"""The tables of flows: the versions, and what callers did in them."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table

from callcenter.storage.columns import Utc, Words
from callcenter.storage.schema import metadata

flow_versions = Table(
    "flow_versions",  # only ever added to; the latest of a flow is the current one
    metadata,
    Column("flow", Words, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Words, nullable=False),
    Column("digest", Words, nullable=False),
    Column("at", Utc, nullable=False),
    Column("by_id", Integer),  # null: from the file
    Column("note", Words, nullable=False),
)

flow_visits = Table(
    "flow_visits",
    metadata,
    Column("call_id", Words, primary_key=True),
    Column("flow", Words, primary_key=True),
    Column("started_at", Utc, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("ended_at", Utc, nullable=False),
    Column("end", Words, nullable=False),
    Column("contained", Boolean, nullable=False),
    # The figures of a flow read this index alone.
    Index("ix_flow_visits_figures", "flow", "started_at", "end", "contained"),
)

flow_steps = Table(
    "flow_steps",
    metadata,
    Column("call_id", Words, primary_key=True),
    Column("visit_flow", Words, primary_key=True),
    Column("visit_at", Utc, primary_key=True, autoincrement=False),  # the visit's started_at
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("flow", Words, nullable=False),  # a visit's steps may be in subflows
    Column("version", Integer, nullable=False),
    Column("node", Words, nullable=False),
    Column("entered_at", Utc, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("way", Words, nullable=False),
    Column("no_input", Integer, nullable=False),
    Column("wrong_input", Integer, nullable=False),
    # The figures of a flow's nodes read this index alone.
    Index(
        "ix_flow_steps_figures",
        "flow",
        "visit_at",
        "node",
        "way",
        "duration_ms",
        "no_input",
        "wrong_input",
        "visit_flow",
        "call_id",
    ),
)
