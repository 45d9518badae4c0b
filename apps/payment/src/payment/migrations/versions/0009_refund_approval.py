"""Refunds that wait for a second operator."""

import sqlalchemy as sa
from alembic import op

revision = "0009_refund_approval"
down_revision = "0008_personal_data"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
DECIDED_ONCE = """
create function refuse_change_of_refund_approval() returns trigger language plpgsql as $$
begin
  if old.state <> 'wanted' or new.state = 'wanted'
    or (new.id, new.refund_sn, new.refund_fen, new.bank_type, new.account_tail, new.serial, new.requested_by,
        new.requested_at, new.expires_at, new.note)
      is distinct from
       (old.id, old.refund_sn, old.refund_fen, old.bank_type, old.account_tail, old.serial, old.requested_by,
        old.requested_at, old.expires_at, old.note)
    or (new.request is not null and new.request is distinct from old.request)
  then
    raise exception 'refund_approval % is decided on once, and never changed', old.id;
  end if;
  return new;
end $$;
create trigger decided_once before update on refund_approval
  for each row execute function refuse_change_of_refund_approval();
"""


def upgrade() -> None:
    op.create_table(
        "refund_approval",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("refund_sn", sa.Text(), nullable=False),
        sa.Column("refund_fen", sa.BigInteger(), nullable=False),
        sa.Column("bank_type", sa.Text(), nullable=True),
        sa.Column("account_tail", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('wanted', 'approved', 'declined', 'expired')", name="ck_refund_approval_state_known"
        ),
        sa.CheckConstraint("(bank_type is null) = (account_tail is null)", name="ck_refund_approval_card_or_merchant"),
        sa.CheckConstraint(
            "(state = 'wanted') = (request is not null)", name="ck_refund_approval_request_while_wanted"
        ),
        sa.CheckConstraint(
            "(state in ('approved', 'declined')) = (decided_by is not null)"
            " and (decided_by is null) = (decided_at is null)",
            name="ck_refund_approval_decided_by_someone",
        ),
        sa.CheckConstraint("state <> 'approved' or decided_by <> requested_by", name="ck_refund_approval_four_eyes"),
        sa.ForeignKeyConstraint(["refund_sn"], ["refund.sn"], name="fk_refund_approval_refund_sn"),
        sa.PrimaryKeyConstraint("id", name="pk_refund_approval"),
    )
    op.create_index(
        "uq_refund_approval_waiting",
        "refund_approval",
        ["refund_sn"],
        unique=True,
        postgresql_where=sa.text("state = 'wanted'"),
    )
    op.execute(DECIDED_ONCE)


def downgrade() -> None:
    op.drop_table("refund_approval")
    op.execute("drop function refuse_change_of_refund_approval()")
