"""sealed secrets.

Revision: 0005
Follows: 0004
Created: 2026-11-20 18:45:00.000000
"""

import sqlalchemy as sa
from alembic import op


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward. Rows stay plain until a server that has the key seals them."""
    with op.batch_alter_table('trigger_secret', schema=None) as batch_op:
        batch_op.add_column(sa.Column('key_id', sa.String(length=16), nullable=True))


def downgrade() -> None:
    """Go back. Earlier versions cannot read what is sealed: those secrets have to be set again."""
    op.execute(sa.text('DELETE FROM trigger_secret WHERE key_id IS NOT NULL'))
    with op.batch_alter_table('trigger_secret', schema=None) as batch_op:
        batch_op.drop_column('key_id')
