-- Tables of payment, PostgreSQL. Made of its models by `make contracts`; edits are lost. `python -m payment migrate`
-- creates them, with what models do not say: triggers (append_only, the chain of operator_act), rights of the role.

CREATE TABLE order_closure (
  order_sn TEXT NOT NULL,
  closed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_order_closure PRIMARY KEY (order_sn)
);

CREATE TABLE payout_day (
  day DATE NOT NULL,
  completed_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_payout_day PRIMARY KEY (day)
);

CREATE TABLE payout_record (
  id BIGSERIAL NOT NULL,
  homestay_business_id BIGINT NOT NULL,
  day DATE NOT NULL,
  seq INTEGER NOT NULL,
  stays INTEGER NOT NULL,
  stays_fen BIGINT NOT NULL,
  refunds INTEGER NOT NULL,
  refunds_fen BIGINT NOT NULL,
  fee_fen BIGINT NOT NULL,
  net_fen BIGINT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_payout_record PRIMARY KEY (id),
  CONSTRAINT uq_payout_record_homestay_business_id_day_seq UNIQUE (homestay_business_id, day, seq),
  CONSTRAINT ck_payout_record_seq_positive CHECK (seq >= 1),
  CONSTRAINT ck_payout_record_sums_positive CHECK (stays >= 0 and stays_fen >= 0 and refunds >= 0 and refunds_fen >= 0),
  CONSTRAINT ck_payout_record_net_adds_up CHECK (net_fen = stays_fen - refunds_fen - fee_fen)
);
CREATE INDEX ix_payout_record_day ON payout_record (day);

CREATE TABLE provider_notice (
  id BIGSERIAL NOT NULL,
  out_trade_no TEXT NOT NULL,
  transaction_id TEXT,
  out_refund_no TEXT,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  source TEXT NOT NULL,
  total_fen BIGINT,
  state TEXT NOT NULL,
  seen INTEGER NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_provider_notice PRIMARY KEY (id),
  CONSTRAINT uq_provider_notice_once UNIQUE NULLS NOT DISTINCT (out_trade_no, reason, transaction_id, out_refund_no),
  CONSTRAINT ck_provider_notice_state_known CHECK (state in ('needs_review', 'resolved'))
);
CREATE INDEX ix_provider_notice_created_at ON provider_notice (created_at);

CREATE TABLE reconciliation (
  bill_date DATE NOT NULL,
  state TEXT NOT NULL,
  problem TEXT,
  next_attempt_at TIMESTAMP WITH TIME ZONE NOT NULL,
  has_bill BOOLEAN,
  payments INTEGER,
  payments_fen BIGINT,
  refunds INTEGER,
  refunds_fen BIGINT,
  fee_yuan NUMERIC(18, 5),
  not_ours_payments INTEGER,
  not_ours_payments_fen BIGINT,
  not_ours_refunds INTEGER,
  not_ours_refunds_fen BIGINT,
  not_ours_fee_yuan NUMERIC(18, 5),
  of_other_days INTEGER,
  unreadable INTEGER,
  finished_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_reconciliation PRIMARY KEY (bill_date),
  CONSTRAINT ck_reconciliation_state_known CHECK (state in ('wanted', 'done'))
);

CREATE TABLE reconciliation_difference (
  id BIGSERIAL NOT NULL,
  bill_date DATE NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  number TEXT NOT NULL,
  payment_sn TEXT NOT NULL,
  ours_state TEXT,
  theirs_state TEXT,
  ours_fen BIGINT,
  theirs_fen BIGINT,
  line JSONB,
  repair TEXT,
  outcome TEXT NOT NULL,
  found_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_reconciliation_difference PRIMARY KEY (id),
  CONSTRAINT uq_reconciliation_difference_once UNIQUE (bill_date, kind, subject, number),
  CONSTRAINT ck_reconciliation_difference_kind_known CHECK (kind in ('missing_here', 'missing_there', 'amount', 'state', 'unreadable')),
  CONSTRAINT ck_reconciliation_difference_subject_known CHECK (subject in ('payment', 'refund', 'line')),
  CONSTRAINT ck_reconciliation_difference_outcome_known CHECK (outcome in ('open', 'settled', 'asked', 'review', 'mended'))
);
CREATE INDEX ix_reconciliation_difference_open ON reconciliation_difference (bill_date, id) WHERE outcome = 'open';

CREATE TABLE third_payment (
  id BIGSERIAL NOT NULL,
  sn TEXT NOT NULL,
  order_sn TEXT NOT NULL,
  user_id BIGINT NOT NULL,
  service_type TEXT NOT NULL,
  pay_mode TEXT NOT NULL,
  trade_type TEXT NOT NULL,
  total_fen BIGINT NOT NULL,
  refunded_fen BIGINT NOT NULL,
  pay_status INTEGER NOT NULL,
  version INTEGER NOT NULL,
  request TEXT NOT NULL,
  prepay_id TEXT,
  prepay_at TIMESTAMP WITH TIME ZONE,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  trade_state TEXT NOT NULL,
  transaction_id TEXT,
  bank_type TEXT,
  pay_time TIMESTAMP WITH TIME ZONE,
  asked_at TIMESTAMP WITH TIME ZONE,
  refund_sent_at TIMESTAMP WITH TIME ZONE,
  billed_on DATE,
  traceparent TEXT,
  tracestate TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  leased_until TIMESTAMP WITH TIME ZONE,
  tries INTEGER DEFAULT '0' NOT NULL,
  CONSTRAINT pk_third_payment PRIMARY KEY (id),
  CONSTRAINT ck_third_payment_total_positive CHECK (total_fen > 0),
  CONSTRAINT ck_third_payment_refunded_within_total CHECK (refunded_fen between 0 and total_fen),
  CONSTRAINT ck_third_payment_pay_status_known CHECK (pay_status between -1 and 2),
  CONSTRAINT ck_third_payment_paid_has_time CHECK ((pay_status in (1, 2)) = (pay_time is not null)),
  CONSTRAINT uq_third_payment_sn UNIQUE (sn),
  CONSTRAINT uq_third_payment_transaction_id UNIQUE (transaction_id)
);
CREATE INDEX ix_third_payment_due ON third_payment (due_at) WHERE pay_status = 0;
CREATE INDEX ix_third_payment_order_sn ON third_payment (order_sn);
CREATE INDEX ix_third_payment_pay_time ON third_payment (pay_time) WHERE pay_time is not null;
CREATE INDEX ix_third_payment_payers ON third_payment (created_at) WHERE pay_status <> 0 and request like '%%"payer"%%';
CREATE UNIQUE INDEX uq_third_payment_open ON third_payment (order_sn) WHERE pay_status = 0;

CREATE TABLE payment_transition (
  payment_id BIGINT NOT NULL,
  seq INTEGER NOT NULL,
  from_status INTEGER NOT NULL,
  to_status INTEGER NOT NULL,
  source TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_payment_transition PRIMARY KEY (payment_id, seq),
  CONSTRAINT fk_payment_transition_payment_id FOREIGN KEY(payment_id) REFERENCES third_payment (id)
);

CREATE TABLE payout_item (
  kind TEXT NOT NULL,
  number TEXT NOT NULL,
  payment_sn TEXT NOT NULL,
  homestay_business_id BIGINT NOT NULL,
  day DATE NOT NULL,
  amount_fen BIGINT NOT NULL,
  fee_fen BIGINT NOT NULL,
  record_id BIGINT,
  CONSTRAINT pk_payout_item PRIMARY KEY (kind, number),
  CONSTRAINT ck_payout_item_kind_known CHECK (kind in ('stay', 'refund')),
  CONSTRAINT ck_payout_item_amount_positive CHECK (amount_fen > 0),
  CONSTRAINT fk_payout_item_payment_sn FOREIGN KEY(payment_sn) REFERENCES third_payment (sn),
  CONSTRAINT fk_payout_item_record_id FOREIGN KEY(record_id) REFERENCES payout_record (id)
);
CREATE INDEX ix_payout_item_open ON payout_item (day) WHERE record_id is null;
CREATE INDEX ix_payout_item_payment_sn ON payout_item (payment_sn);
CREATE INDEX ix_payout_item_record_id ON payout_item (record_id);

CREATE TABLE payout_stay (
  order_sn TEXT NOT NULL,
  payment_sn TEXT NOT NULL,
  homestay_business_id BIGINT NOT NULL,
  homestay_id BIGINT NOT NULL,
  host_id BIGINT NOT NULL,
  title TEXT NOT NULL,
  CONSTRAINT pk_payout_stay PRIMARY KEY (order_sn),
  CONSTRAINT uq_payout_stay_payment_sn UNIQUE (payment_sn),
  CONSTRAINT fk_payout_stay_payment_sn FOREIGN KEY(payment_sn) REFERENCES third_payment (sn)
);
CREATE INDEX ix_payout_stay_host_id ON payout_stay (host_id, homestay_business_id);

CREATE TABLE refund (
  id BIGSERIAL NOT NULL,
  sn TEXT NOT NULL,
  request_sn TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  payment_sn TEXT NOT NULL,
  order_sn TEXT NOT NULL,
  refund_fen BIGINT NOT NULL,
  cause TEXT NOT NULL,
  reason TEXT NOT NULL,
  state TEXT NOT NULL,
  version INTEGER NOT NULL,
  request TEXT,
  sent_at TIMESTAMP WITH TIME ZONE,
  refund_id TEXT,
  success_time TIMESTAMP WITH TIME ZONE,
  problem TEXT,
  sent_elsewhere_at TIMESTAMP WITH TIME ZONE,
  billed_on DATE,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  leased_until TIMESTAMP WITH TIME ZONE,
  tries INTEGER DEFAULT '0' NOT NULL,
  CONSTRAINT pk_refund PRIMARY KEY (id),
  CONSTRAINT ck_refund_refund_positive CHECK (refund_fen > 0),
  CONSTRAINT ck_refund_state_known CHECK (state in ('requested', 'accepted', 'succeeded', 'abnormal', 'closed')),
  CONSTRAINT ck_refund_succeeded_has_time CHECK ((state = 'succeeded') = (success_time is not null)),
  CONSTRAINT ck_refund_sent_what_was_stored CHECK ((sent_at is null) or (request is not null)),
  CONSTRAINT ck_refund_elsewhere_after_abnormal CHECK (sent_elsewhere_at is null or state in ('abnormal', 'succeeded', 'closed')),
  CONSTRAINT uq_refund_request_sn_attempt UNIQUE (request_sn, attempt),
  CONSTRAINT uq_refund_sn UNIQUE (sn),
  CONSTRAINT fk_refund_payment_sn FOREIGN KEY(payment_sn) REFERENCES third_payment (sn)
);
CREATE INDEX ix_refund_due ON refund (due_at) WHERE state in ('requested', 'accepted', 'abnormal');
CREATE INDEX ix_refund_payment_sn ON refund (payment_sn);
CREATE INDEX ix_refund_reasons ON refund (created_at) WHERE state in ('succeeded', 'closed') and reason <> '';
CREATE INDEX ix_refund_refund_id ON refund (refund_id) WHERE refund_id is not null;
CREATE UNIQUE INDEX uq_refund_live ON refund (request_sn) WHERE state <> 'closed';

CREATE TABLE refund_approval (
  id BIGSERIAL NOT NULL,
  refund_sn TEXT NOT NULL,
  refund_fen BIGINT NOT NULL,
  bank_type TEXT,
  account_tail TEXT,
  request TEXT,
  serial TEXT NOT NULL,
  state TEXT NOT NULL,
  requested_by BIGINT NOT NULL,
  requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  note TEXT,
  decided_by BIGINT,
  decided_at TIMESTAMP WITH TIME ZONE,
  decision_note TEXT,
  CONSTRAINT pk_refund_approval PRIMARY KEY (id),
  CONSTRAINT ck_refund_approval_state_known CHECK (state in ('wanted', 'approved', 'declined', 'expired')),
  CONSTRAINT ck_refund_approval_card_or_merchant CHECK ((bank_type is null) = (account_tail is null)),
  CONSTRAINT ck_refund_approval_request_while_wanted CHECK ((state = 'wanted') = (request is not null)),
  CONSTRAINT ck_refund_approval_decided_by_someone CHECK ((state in ('approved', 'declined')) = (decided_by is not null) and (decided_by is null) = (decided_at is null)),
  CONSTRAINT ck_refund_approval_four_eyes CHECK (state <> 'approved' or decided_by <> requested_by),
  CONSTRAINT fk_refund_approval_refund_sn FOREIGN KEY(refund_sn) REFERENCES refund (sn)
);
CREATE UNIQUE INDEX uq_refund_approval_waiting ON refund_approval (refund_sn) WHERE state = 'wanted';

CREATE TABLE refund_transition (
  refund_id BIGINT NOT NULL,
  seq INTEGER NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  source TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_refund_transition PRIMARY KEY (refund_id, seq),
  CONSTRAINT fk_refund_transition_refund_id FOREIGN KEY(refund_id) REFERENCES refund (id)
);

CREATE TABLE operator_act (
  id BIGSERIAL NOT NULL,
  operator_id BIGINT NOT NULL,
  act TEXT NOT NULL,
  subject TEXT NOT NULL,
  note TEXT,
  acted_at TIMESTAMP WITH TIME ZONE NOT NULL,
  seq BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  CONSTRAINT pk_operator_act PRIMARY KEY (id),
  CONSTRAINT uq_operator_act_seq UNIQUE (seq)
);
CREATE INDEX ix_operator_act_subject ON operator_act (subject, id);

CREATE TABLE operator_act_head (
  id SMALLINT NOT NULL,
  seq BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  CONSTRAINT pk_operator_act_head PRIMARY KEY (id),
  CONSTRAINT ck_operator_act_head_one CHECK (id = 1)
);

CREATE TABLE outbox (
  id BIGSERIAL NOT NULL,
  event_id TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition_key TEXT NOT NULL,
  event JSONB NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  attempts INTEGER DEFAULT '0' NOT NULL,
  last_error TEXT,
  published_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_outbox PRIMARY KEY (id),
  CONSTRAINT uq_outbox_event_id UNIQUE (event_id)
);
CREATE INDEX ix_outbox_partition_key ON outbox (partition_key);
CREATE INDEX ix_outbox_published_at ON outbox (published_at) WHERE published_at IS NOT NULL;
CREATE INDEX ix_outbox_unpublished ON outbox (id) WHERE published_at IS NULL;

CREATE TABLE inbox (
  source TEXT NOT NULL,
  event_id TEXT NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_inbox PRIMARY KEY (source, event_id)
);
CREATE INDEX ix_inbox_received_at ON inbox (received_at);

CREATE TABLE dead_letter (
  id BIGSERIAL NOT NULL,
  topic TEXT NOT NULL,
  source TEXT NOT NULL,
  event_id TEXT NOT NULL,
  body TEXT NOT NULL,
  state TEXT DEFAULT 'waiting' NOT NULL,
  reason TEXT,
  note TEXT,
  tries INTEGER DEFAULT '0' NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  leased_until TIMESTAMP WITH TIME ZONE,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_dead_letter PRIMARY KEY (id),
  CONSTRAINT uq_dead_letter_topic_source_event_id UNIQUE (topic, source, event_id)
);
CREATE INDEX ix_dead_letter_due ON dead_letter (due_at) WHERE state = 'waiting';

CREATE TABLE idempotency_key (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer TEXT,
  claimed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_idempotency_key PRIMARY KEY (scope, key)
);
CREATE INDEX ix_idempotency_key_claimed_at ON idempotency_key (claimed_at);

CREATE TABLE replica (
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE NOT NULL,
  seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ticks JSONB NOT NULL,
  received JSONB NOT NULL,
  published JSONB NOT NULL,
  CONSTRAINT pk_replica PRIMARY KEY (name)
);
