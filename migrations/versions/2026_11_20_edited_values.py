"""edited values.

Revision: 0006
Follows: 0005
Created: 2026-11-20 18:57:00.000000
"""

import sqlalchemy as sa
from alembic import op


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table('run_activation', schema=None) as batch_op:
        batch_op.add_column(sa.Column('edited', sa.Text(), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table('run_activation', schema=None) as batch_op:
        batch_op.drop_column('edited')
