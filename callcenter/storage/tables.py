"""Every table. ``migrations/`` builds them; a test holds the two together.

The record (calls, segments, offers, wrap-ups, attempts, gaps, visits, callbacks, messages, answers) has no
foreign keys to what may be missing, changed or deleted elsewhere: a record is never refused. What people enter
(orders, complaints, follow-ups, PINs) has them.
Call ids are 32 hex digits of text. Dates are ``Utc``; durations are whole milliseconds.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, text

from callcenter.storage.columns import Amount, Utc, Words
from callcenter.storage.flow_tables import flow_steps, flow_versions, flow_visits
from callcenter.storage.routing_tables import routing_versions
from callcenter.storage.schema import metadata

__all__ = [
    "agent_presence",
    "audit",
    "callbacks",
    "calls",
    "complaint_events",
    "complaints",
    "customer_numbers",
    "customer_pins",
    "customers",
    "flow_steps",
    "flow_versions",
    "flow_visits",
    "follow_up_attempts",
    "follow_ups",
    "gaps",
    "journal_positions",
    "metadata",
    "missed_imports",
    "offers",
    "orders",
    "pin_tries",
    "promises",
    "routing_versions",
    "segments",
    "sessions",
    "survey_answers",
    "users",
    "voicemails",
    "wrap_ups",
]

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
    Column("skills", JSON, nullable=False, server_default=text("'[]'")),
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

customer_pins = Table(
    "customer_pins",
    metadata,
    Column("customer_id", ForeignKey("customers.id"), primary_key=True, autoincrement=False),
    Column("pin_hash", Words, nullable=False),
    Column("set_at", Utc, nullable=False),
)

pin_tries = Table(
    "pin_tries",
    metadata,
    Column("number", Words, primary_key=True),  # as typed, whether there is such a customer or not
    Column("failed", Integer, nullable=False),  # in a row
    Column("locked_until", Utc),
    Column("at", Utc, nullable=False, index=True),
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
    Column("decision", Words, nullable=False, server_default=text("''")),  # compact JSON of routing.decision
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

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Words, primary_key=True),
    Column("number", Words, nullable=False),
    Column("queue", Words, nullable=False),
    Column("tier", Words, nullable=False),
    Column("language", Words, nullable=False),
    Column("call_id", Words, nullable=False, index=True),
    Column("customer_id", Integer),
    Column("arrived_at", Utc, nullable=False),
    Column("asked_at", Utc, nullable=False, index=True),
    Column("not_before", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("state", Words, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("agent_id", Integer),
    Column("ended_at", Utc),
    Column("skills", JSON, nullable=False),
    Index("ix_callbacks_state_arrived_at", "state", "arrived_at"),
)

voicemails = Table(
    "voicemails",
    metadata,
    Column("id", Words, primary_key=True),  # and the recording's name
    Column("call_id", Words, nullable=False, index=True),
    Column("queue", Words, nullable=False),
    Column("customer_id", Integer),
    Column("number", Words, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("language", Words, nullable=False),
    Column("left_at", Utc, nullable=False),
    Column("state", Words, nullable=False),
    Column("owner_id", Integer),
    Column("note", Words, nullable=False),
    Column("done_at", Utc),
    Index("ix_voicemails_queue_state", "queue", "state"),
    Index("ix_voicemails_state_left_at", "state", "left_at"),
    Index("ix_voicemails_state_done_at", "state", "done_at"),
)

survey_answers = Table(
    "survey_answers",
    metadata,
    Column("call_id", Words, primary_key=True),
    Column("survey", Words, primary_key=True),
    Column("question", Words, primary_key=True),
    Column("agent_id", Integer),
    Column("customer_id", Integer),
    Column("score", Integer),
    Column("recording", Words),
    Column("at", Utc, nullable=False, index=True),
    Index("ix_survey_answers_agent_id_at", "agent_id", "at"),
    Index("ix_survey_answers_recording", "recording"),
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
    Column("recording", Words),  # of a complaint that was spoken
    Index("ix_complaints_recording", "recording"),
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
