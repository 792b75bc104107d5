"""The first tables: people, customers, the record, and what is done about it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def create_users() -> None:
    """The table ``users``."""
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("queues", sa.JSON(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("username_key", name="uq_users_username_key"),
    )


def create_sessions() -> None:
    """The table ``sessions``."""
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id_users"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])


def create_audit() -> None:
    """The table ``audit``."""
    op.create_table(
        "audit",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_subject", "audit", ["subject"])


def create_customers() -> None:
    """The table ``customers``."""
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("extra", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_customers_owner_id_users"),
    )


def create_customer_numbers() -> None:
    """The table ``customer_numbers``."""
    op.create_table(
        "customer_numbers",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("number_key", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "number_key", name="pk_customer_numbers"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_customer_numbers_customer_id_customers"
        ),
    )
    op.create_index("ix_customer_numbers_number_key", "customer_numbers", ["number_key", "customer_id"])


def create_orders() -> None:
    """The table ``orders``."""
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("ordered_at", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_orders_customer_id_customers"),
    )
    op.create_index("ix_orders_customer_id", "orders", ["customer_id"])


def create_calls() -> None:
    """The table ``calls``."""
    op.create_table(
        "calls",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("number_kind", sa.Text(), nullable=False),
        sa.Column("number_raw", sa.Text(), nullable=False),
        sa.Column("number_key", sa.Text(), nullable=False),
        sa.Column("caller_name", sa.Text(), nullable=False),
        sa.Column("did", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("follow_up_id", sa.Integer(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("served_by", sa.Integer(), nullable=True),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("recording", sa.Text(), nullable=True),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("waited_ms", sa.BigInteger(), nullable=False),
        sa.Column("talked_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_arrived_at", "calls", ["arrived_at"])
    op.create_index("ix_calls_customer_id_arrived_at", "calls", ["customer_id", "arrived_at"])
    op.create_index("ix_calls_ended_at", "calls", ["ended_at"])
    op.create_index("ix_calls_recording", "calls", ["recording"])
    op.create_index("ix_calls_served_by_arrived_at", "calls", ["served_by", "arrived_at"])


def create_segments() -> None:
    """The table ``segments``."""
    op.create_table(
        "segments",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "position", name="pk_segments"),
    )


def create_offers() -> None:
    """The table ``offers``."""
    op.create_table(
        "offers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("offered_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_offers"),
    )
    op.create_index("ix_offers_call_id", "offers", ["call_id"])


def create_wrap_ups() -> None:
    """The table ``wrap_ups``."""
    op.create_table(
        "wrap_ups",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("timed_out", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "agent_id", name="pk_wrap_ups"),
    )


def create_follow_up_attempts() -> None:
    """The table ``follow_up_attempts``."""
    op.create_table(
        "follow_up_attempts",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("follow_up_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("dialled_at", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_follow_up_attempts"),
    )
    op.create_index("ix_follow_up_attempts_follow_up_id", "follow_up_attempts", ["follow_up_id"])


def create_agent_presence() -> None:
    """The table ``agent_presence``."""
    op.create_table(
        "agent_presence",
        sa.Column("agent_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("presence", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", name="pk_agent_presence"),
    )


def create_gaps() -> None:
    """The table ``gaps``."""
    op.create_table(
        "gaps",
        sa.Column("started_at", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("started_at", name="pk_gaps"),
    )


def create_missed_imports() -> None:
    """The table ``missed_imports``."""
    op.create_table(
        "missed_imports",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_missed_imports"),
    )


def create_journal_positions() -> None:
    """The table ``journal_positions``."""
    op.create_table(
        "journal_positions",
        sa.Column("journal_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("journal_id", name="pk_journal_positions"),
    )


def create_complaints() -> None:
    """The table ``complaints``."""
    op.create_table(
        "complaints",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_complaints"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_complaints_customer_id_customers"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_complaints_owner_id_users"),
    )
    op.create_index("ix_complaints_call_id", "complaints", ["call_id"])
    op.create_index("ix_complaints_customer_id", "complaints", ["customer_id"])


def create_complaint_events() -> None:
    """The table ``complaint_events``."""
    op.create_table(
        "complaint_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("complaint_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_complaint_events"),
        sa.ForeignKeyConstraint(
            ["complaint_id"], ["complaints.id"], name="fk_complaint_events_complaint_id_complaints"
        ),
    )
    op.create_index("ix_complaint_events_complaint_id", "complaint_events", ["complaint_id"])


def create_follow_ups() -> None:
    """The table ``follow_ups``."""
    op.create_table(
        "follow_ups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_follow_ups"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_follow_ups_customer_id_customers"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_follow_ups_owner_id_users"),
    )
    op.create_index("ix_follow_ups_customer_id_state", "follow_ups", ["customer_id", "state"])
    op.create_index("ix_follow_ups_owner_id_state_due_at", "follow_ups", ["owner_id", "state", "due_at"])


def create_promises() -> None:
    """The table ``promises``."""
    op.create_table(
        "promises",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_promises"),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name="fk_promises_by_id_users"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_promises_customer_id_customers"),
    )
    op.create_index("ix_promises_customer_id_state", "promises", ["customer_id", "state"])


def upgrade() -> None:
    """To this version."""
    create_users()
    create_sessions()
    create_audit()
    create_customers()
    create_customer_numbers()
    create_orders()
    create_calls()
    create_segments()
    create_offers()
    create_wrap_ups()
    create_follow_up_attempts()
    create_agent_presence()
    create_gaps()
    create_missed_imports()
    create_journal_positions()
    create_complaints()
    create_complaint_events()
    create_follow_ups()
    create_promises()


def downgrade() -> None:
    """Back to an empty database."""
    for table in (
        "complaint_events",
        "promises",
        "orders",
        "follow_ups",
        "customer_numbers",
        "complaints",
        "sessions",
        "customers",
        "wrap_ups",
        "users",
        "segments",
        "offers",
        "missed_imports",
        "journal_positions",
        "gaps",
        "follow_up_attempts",
        "calls",
        "audit",
        "agent_presence",
    ):
        op.drop_table(table)
