"""Flows and what callers did in them; callbacks, messages, answers to surveys; PINs; agents' skills."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def create_flow_versions() -> None:
    """The table ``flow_versions``."""
    op.create_table(
        "flow_versions",
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "version", name="pk_flow_versions"),
    )


def create_flow_visits() -> None:
    """The table ``flow_visits``."""
    op.create_table(
        "flow_visits",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.Text(), nullable=False),
        sa.Column("contained", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "flow", "started_at", name="pk_flow_visits"),
    )
    op.create_index("ix_flow_visits_figures", "flow_visits", ["flow", "started_at", "end", "contained"])


def create_flow_steps() -> None:
    """The table ``flow_steps``."""
    op.create_table(
        "flow_steps",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("visit_flow", sa.Text(), nullable=False),
        sa.Column("visit_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("no_input", sa.Integer(), nullable=False),
        sa.Column("wrong_input", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "visit_flow", "visit_at", "position", name="pk_flow_steps"),
    )
    figures = [
        "flow",
        "visit_at",
        "node",
        "way",
        "duration_ms",
        "no_input",
        "wrong_input",
        "visit_flow",
        "call_id",
    ]
    op.create_index("ix_flow_steps_figures", "flow_steps", figures)


def create_callbacks() -> None:
    """The table ``callbacks``."""
    op.create_table(
        "callbacks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_callbacks"),
    )
    op.create_index("ix_callbacks_asked_at", "callbacks", ["asked_at"])
    op.create_index("ix_callbacks_call_id", "callbacks", ["call_id"])
    op.create_index("ix_callbacks_state_arrived_at", "callbacks", ["state", "arrived_at"])


def create_voicemails() -> None:
    """The table ``voicemails``."""
    op.create_table(
        "voicemails",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_voicemails"),
    )
    op.create_index("ix_voicemails_call_id", "voicemails", ["call_id"])
    op.create_index("ix_voicemails_queue_state", "voicemails", ["queue", "state"])
    op.create_index("ix_voicemails_state_done_at", "voicemails", ["state", "done_at"])
    op.create_index("ix_voicemails_state_left_at", "voicemails", ["state", "left_at"])


def create_survey_answers() -> None:
    """The table ``survey_answers``."""
    op.create_table(
        "survey_answers",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("survey", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("recording", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "survey", "question", name="pk_survey_answers"),
    )
    op.create_index("ix_survey_answers_agent_id_at", "survey_answers", ["agent_id", "at"])
    op.create_index("ix_survey_answers_at", "survey_answers", ["at"])
    op.create_index("ix_survey_answers_recording", "survey_answers", ["recording"])


def create_pins() -> None:
    """The tables ``customer_pins`` and ``pin_tries``."""
    op.create_table(
        "customer_pins",
        sa.Column("customer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pin_hash", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_customer_pins"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_customer_pins_customer_id_customers"
        ),
    )
    op.create_table(
        "pin_tries",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_pin_tries"),
    )
    op.create_index("ix_pin_tries_at", "pin_tries", ["at"])


def upgrade() -> None:
    """All of it. Users of before have no skills; complaints of before have no recording."""
    create_flow_versions()
    create_flow_visits()
    create_flow_steps()
    create_callbacks()
    create_voicemails()
    create_survey_answers()
    create_pins()
    op.add_column("users", sa.Column("skills", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
    op.add_column("complaints", sa.Column("recording", sa.Text(), nullable=True))
    op.create_index("ix_complaints_recording", "complaints", ["recording"])


def downgrade() -> None:
    """Back to the first tables; what was kept in these is lost."""
    op.drop_index("ix_complaints_recording", "complaints")
    op.drop_column("complaints", "recording")
    op.drop_column("users", "skills")
    for table in (
        "pin_tries",
        "customer_pins",
        "survey_answers",
        "voicemails",
        "callbacks",
        "flow_steps",
        "flow_visits",
        "flow_versions",
    ):
        op.drop_table(table)
