"""Every table. ``migrations/`` builds them; a test holds the two together.

The record (calls, segments, offers, wrap-ups, attempts, gaps) has no foreign keys to what may be missing,
changed or deleted elsewhere: a record is never refused. What people enter (orders, complaints, follow-ups)
has them.
Call ids are 32 hex digits of text. Dates are ``Utc``; durations are whole milliseconds.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, Table

from callcenter.storage.columns import Amount, Utc, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# ------------------------------------------------------------ the people who work here

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("username", Words, nullable=False),
    Column("username_key", Words, nullable=False, unique=True),  # without letter case
    Column("display_name", Words, nullable=False),
    Column("role", Words, nullable=False),
    Column("password_hash", Words, nullable=False),
    Column("extension", Words, nullable=False),
    Column("queues", JSON, nullable=False),
    Column("language", Words, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Words, primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False, index=True),
    Column("extension", Words, nullable=False),
    Column("address", Words, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Words, primary_key=True),
    Column("at", Utc, nullable=False, index=True),
    Column("user_id", Integer, nullable=False),
    Column("action", Words, nullable=False),
    Column("subject", Words, nullable=False, index=True),
    Column("detail", Words, nullable=False),
)

# ------------------------------------------------------------ the people who call

customers = Table(
    "customers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Words, nullable=False),
    Column("company", Words, nullable=False),
    Column("tier", Words, nullable=False),
    Column("language", Words, nullable=False),
    Column("owner_id", ForeignKey("users.id")),
    Column("notes", Words, nullable=False),
    Column("extra", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
)

customer_numbers = Table(
    "customer_numbers",
    metadata,
    Column("customer_id", ForeignKey("customers.id"), primary_key=True),
    Column("number_key", Words, primary_key=True),
    Column("position", Integer, nullable=False),
    # Several customers may share a number; the look-up by number reads this index alone.
    Index("ix_customer_numbers_number_key", "number_key", "customer_id"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False, index=True),
    Column("number", Words, nullable=False),
    Column("ordered_at", Utc, nullable=False),
    Column("amount", Amount, nullable=False),
    Column("currency", Words, nullable=False),
    Column("state", Words, nullable=False),
)

# ------------------------------------------------------------ the record

calls = Table(
    "calls",
    metadata,
    Column("id", Words, primary_key=True),
    Column("direction", Words, nullable=False),
    Column("number_kind", Words, nullable=False),
    Column("number_raw", Words, nullable=False),
    Column("number_key", Words, nullable=False),
    Column("caller_name", Words, nullable=False),
    Column("did", Words, nullable=False),
    Column("channel_id", Words, nullable=False),
    Column("stage", Words, nullable=False),
    Column("language", Words, nullable=False),
    Column("queue", Words),
    Column("tier", Words, nullable=False),
    Column("customer_id", Integer),
    Column("follow_up_id", Integer),
    Column("agent_id", Integer),  # who has it now
    Column("served_by", Integer),  # who talked last
    Column("keys", JSON, nullable=False),
    Column("marks", JSON, nullable=False),
    Column("recording", Words),
    Column("arrived_at", Utc, nullable=False, index=True),
    Column("ended_at", Utc, index=True),
    Column("end_reason", Words),
    Column("waited_ms", BigInteger, nullable=False),
    Column("talked_ms", BigInteger, nullable=False),
    Column("seen_at", Utc, nullable=False),  # when the core last wrote it
    Index("ix_calls_customer_id_arrived_at", "customer_id", "arrived_at"),
    Index("ix_calls_served_by_arrived_at", "served_by", "arrived_at"),
    Index("ix_calls_recording", "recording"),
)

segments = Table(
    "segments",
    metadata,
    Column("call_id", Words, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("id", Words, nullable=False),
    Column("stage", Words, nullable=False),
    Column("queue", Words),
    Column("agent_id", Integer),
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("duration_ms", BigInteger),
)

offers = Table(
    "offers",
    metadata,
    Column("id", Words, primary_key=True),
    Column("call_id", Words, nullable=False, index=True),
    Column("agent_id", Integer, nullable=False),
    Column("offered_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("result", Words, nullable=False),
    Column("why", Words, nullable=False),
)

wrap_ups = Table(
    "wrap_ups",
    metadata,
    Column("call_id", Words, primary_key=True),
    Column("agent_id", Integer, primary_key=True, autoincrement=False),
    Column("disposition", Words, nullable=False),
    Column("note", Words, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc, nullable=False),
    Column("timed_out", Boolean, nullable=False),
)

follow_up_attempts = Table(
    "follow_up_attempts",
    metadata,
    Column("call_id", Words, primary_key=True),
    Column("agent_id", Integer, nullable=False),
    Column("customer_id", Integer),
    Column("follow_up_id", Integer, index=True),
    Column("number", Words, nullable=False),
    Column("dialled_at", Utc, nullable=False),
    Column("result", Words, nullable=False),
)

agent_presence = Table(
    "agent_presence",
    metadata,
    Column("agent_id", Integer, primary_key=True, autoincrement=False),
    Column("extension", Words, nullable=False),
    Column("presence", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("at", Utc, nullable=False),
)

gaps = Table(
    "gaps",
    metadata,
    Column("started_at", Utc, primary_key=True, autoincrement=False),
    Column("ended_at", Utc, nullable=False),
    Column("reason", Words, nullable=False),
)

missed_imports = Table(
    "missed_imports",
    metadata,
    Column("key", Words, primary_key=True),  # the note's key in Asterisk's database
    Column("call_id", Words, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("at", Utc, nullable=False),
)

journal_positions = Table(
    "journal_positions",
    metadata,
    Column("journal_id", Words, primary_key=True),
    Column("position", Integer, nullable=False),  # lines of that journal which are in the database
)

# ------------------------------------------------------------ what is done about it

complaints = Table(
    "complaints",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), index=True),
    Column("call_id", Words, index=True),  # the call's row may still be on its way
    Column("category", Words, nullable=False),
    Column("severity", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("owner_id", ForeignKey("users.id")),
    Column("opened_at", Utc, nullable=False),
    Column("due_at", Utc),
    Column("closed_at", Utc),
)

complaint_events = Table(
    "complaint_events",  # only ever added to
    metadata,
    Column("id", Integer, primary_key=True),
    Column("complaint_id", ForeignKey("complaints.id"), nullable=False, index=True),
    Column("at", Utc, nullable=False),
    Column("by_id", Integer, nullable=False),
    Column("state", Words, nullable=False),
    Column("text", Words, nullable=False),
)

follow_ups = Table(
    "follow_ups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("call_id", Words),
    Column("reason", Words, nullable=False),
    Column("note", Words, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("state", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("done_at", Utc),
    Index("ix_follow_ups_customer_id_state", "customer_id", "state"),
    Index("ix_follow_ups_owner_id_state_due_at", "owner_id", "state", "due_at"),
)

promises = Table(
    "promises",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("call_id", Words),
    Column("what", Words, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("by_id", ForeignKey("users.id"), nullable=False),
    Column("state", Words, nullable=False),
    Column("created_at", Utc, nullable=False),
    Index("ix_promises_customer_id_state", "customer_id", "state"),
)
