"""Drafts: training rows that a model wrote and that wait for a person."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('drafts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('dataset_id', sa.Integer(), nullable=False),
    sa.Column('row', sa.JSON(), nullable=False),
    sa.Column('source', sa.JSON(), nullable=False),
    sa.Column('how', sa.String(), nullable=False),
    sa.Column('model', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['dataset_id'], ['datasets.id']),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_drafts_dataset_id'), 'drafts', ['dataset_id'])


def downgrade() -> None:
    op.drop_index(op.f('ix_drafts_dataset_id'), 'drafts')
    op.drop_table('drafts')
