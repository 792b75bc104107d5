"""Why each offer was made, and the published rules of routing."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Offers of before have no decision on record."""
    op.add_column("offers", sa.Column("decision", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.create_table(
        "routing_versions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("from_file", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_routing_versions"),
    )


def downgrade() -> None:
    """Without the decisions and the published rules, which are lost."""
    op.drop_table("routing_versions")
    op.drop_column("offers", "decision")
