"""called runs.

Revision: 0004
Follows: 0003
Created: 2026-11-20 18:05:00.000000
"""

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

_OUTERMOST = sa.text('parent_id IS NULL')


def upgrade() -> None:
    """Go forward."""
    op.drop_index('ix_run_flow_number', table_name='run')
    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.add_column(sa.Column('parent_id', sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column('parent_node', sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column('parent_scope', sa.String(length=400), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f('fk_run_parent_id_run'), 'run', ['parent_id'], ['id'], ondelete='CASCADE'
        )

    op.create_index(
        'ix_run_flow_number',
        'run',
        ['flow_id', 'number'],
        unique=True,
        sqlite_where=_OUTERMOST,
        postgresql_where=_OUTERMOST,
    )
    op.create_index('ix_run_parent_number', 'run', ['parent_id', 'number'], unique=True)
    op.create_index(
        'ix_run_outermost',
        'run',
        ['id'],
        sqlite_where=_OUTERMOST,
        postgresql_where=_OUTERMOST,
    )


def downgrade() -> None:
    """Go back."""
    # Runs that others called have numbers of their own, which runs of the flow may have, too.
    for table in ('run_event', 'run_node', 'run_activation'):
        called = 'SELECT id FROM run WHERE parent_id IS NOT NULL'
        op.execute(f'DELETE FROM {table} WHERE run_id IN ({called})')
    op.execute('DELETE FROM run WHERE parent_id IS NOT NULL')
    op.drop_index('ix_run_outermost', table_name='run')
    op.drop_index('ix_run_parent_number', table_name='run')
    op.drop_index('ix_run_flow_number', table_name='run')
    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_run_parent_id_run'), type_='foreignkey')
        batch_op.drop_column('parent_scope')
        batch_op.drop_column('parent_node')
        batch_op.drop_column('parent_id')
    op.create_index('ix_run_flow_number', 'run', ['flow_id', 'number'], unique=True)
