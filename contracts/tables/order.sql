-- Tables of order, PostgreSQL. Made of its models by `make contracts`; edits are lost. `python -m order migrate`
-- creates them, with what models do not say: triggers (append_only, the chain of operator_act), rights of the role.

CREATE TABLE checkin_miss (
  id BIGSERIAL NOT NULL,
  merchant_id BIGINT NOT NULL,
  missed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_checkin_miss PRIMARY KEY (id)
);
CREATE INDEX ix_checkin_miss_merchant ON checkin_miss (merchant_id, missed_at);
CREATE INDEX ix_checkin_miss_missed_at ON checkin_miss (missed_at);

CREATE TABLE homestay_night (
  homestay_id BIGINT NOT NULL,
  night DATE NOT NULL,
  taken INTEGER NOT NULL,
  stock INTEGER NOT NULL,
  version INTEGER DEFAULT '1' NOT NULL,
  sold_by SMALLINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_homestay_night PRIMARY KEY (homestay_id, night),
  CONSTRAINT ck_homestay_night_taken CHECK (taken between 0 and stock),
  CONSTRAINT ck_homestay_night_sold_by CHECK (sold_by in (0, 1))
);

CREATE TABLE homestay_order (
  id BIGSERIAL NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  version INTEGER NOT NULL,
  sn VARCHAR(32) NOT NULL,
  user_id BIGINT NOT NULL,
  request_key VARCHAR(128),
  homestay_id BIGINT NOT NULL,
  homestay_business_id BIGINT NOT NULL,
  homestay_user_id BIGINT NOT NULL,
  title TEXT NOT NULL,
  sub_title TEXT NOT NULL,
  cover TEXT NOT NULL,
  info TEXT NOT NULL,
  people_num INTEGER NOT NULL,
  sold_by SMALLINT NOT NULL,
  food_info TEXT NOT NULL,
  food_price_fen BIGINT NOT NULL,
  homestay_price_fen BIGINT NOT NULL,
  market_homestay_price_fen BIGINT NOT NULL,
  live_start_date DATE NOT NULL,
  live_end_date DATE NOT NULL,
  live_people_num INTEGER NOT NULL,
  need_food BOOLEAN NOT NULL,
  remark TEXT NOT NULL,
  order_total_fen BIGINT NOT NULL,
  food_total_fen BIGINT NOT NULL,
  homestay_total_fen BIGINT NOT NULL,
  lines JSONB DEFAULT '[]' NOT NULL,
  trade_state SMALLINT NOT NULL,
  unpaid_slot SMALLINT,
  checkin_code VARCHAR(8),
  close_at TIMESTAMP WITH TIME ZONE NOT NULL,
  closing_at TIMESTAMP WITH TIME ZONE,
  close_cause VARCHAR(16),
  payment_sn VARCHAR(32),
  paid_at TIMESTAMP WITH TIME ZONE,
  pay_type VARCHAR(32),
  refund_opened_at TIMESTAMP WITH TIME ZONE,
  refund_reason TEXT,
  refund_state VARCHAR(16) DEFAULT 'none' NOT NULL,
  refund_note TEXT,
  refund_failed_at TIMESTAMP WITH TIME ZONE,
  cancel_policy VARCHAR(16) DEFAULT 'flexible' NOT NULL,
  refund_fen BIGINT,
  refund_least_fen BIGINT,
  refunded_fen BIGINT DEFAULT '0' NOT NULL,
  traceparent TEXT,
  tracestate TEXT,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  leased_until TIMESTAMP WITH TIME ZONE,
  tries INTEGER DEFAULT '0' NOT NULL,
  CONSTRAINT pk_homestay_order PRIMARY KEY (id),
  CONSTRAINT uq_homestay_order_user_id_request_key UNIQUE (user_id, request_key),
  CONSTRAINT ck_homestay_order_version CHECK (version >= 1),
  CONSTRAINT ck_homestay_order_trade_state CHECK (trade_state between -1 and 4),
  CONSTRAINT ck_homestay_order_sold_by CHECK (sold_by in (0, 1)),
  CONSTRAINT ck_homestay_order_nights CHECK (live_end_date > live_start_date),
  CONSTRAINT ck_homestay_order_people CHECK (live_people_num between 1 and people_num),
  CONSTRAINT ck_homestay_order_prices CHECK (food_price_fen >= 0 and homestay_price_fen >= 0),
  CONSTRAINT ck_homestay_order_totals CHECK (food_total_fen >= 0 and homestay_total_fen >= 0),
  CONSTRAINT ck_homestay_order_total CHECK (order_total_fen > 0 and order_total_fen = food_total_fen + homestay_total_fen),
  CONSTRAINT ck_homestay_order_lines CHECK (jsonb_array_length(lines) in (0, live_end_date - live_start_date)),
  CONSTRAINT ck_homestay_order_paid CHECK (case when trade_state in (0, -1) then payment_sn is null and paid_at is null and checkin_code is null else payment_sn is not null and paid_at is not null and checkin_code is not null end),
  CONSTRAINT ck_homestay_order_open_refund CHECK (refund_opened_at is null or trade_state = 1),
  CONSTRAINT ck_homestay_order_refund_state CHECK (refund_state in ('none', 'asked', 'agreed', 'refused', 'failed') and (refund_state <> 'asked' or refund_opened_at is not null) and (refund_opened_at is null or refund_state in ('asked', 'agreed'))),
  CONSTRAINT ck_homestay_order_refund_amount CHECK (refund_state not in ('asked', 'agreed', 'failed') or refund_fen is not null),
  CONSTRAINT ck_homestay_order_refund_least CHECK (refund_state <> 'asked' or refund_least_fen <= refund_fen),
  CONSTRAINT ck_homestay_order_refund_within_total CHECK (refund_fen between 0 and order_total_fen),
  CONSTRAINT ck_homestay_order_refund_least_within_total CHECK (refund_least_fen between 0 and order_total_fen),
  CONSTRAINT ck_homestay_order_refunded_within_total CHECK (refunded_fen between 0 and order_total_fen),
  CONSTRAINT uq_homestay_order_sn UNIQUE (sn)
);
CREATE INDEX ix_homestay_order_arrivals ON homestay_order (homestay_user_id, live_start_date, id) WHERE trade_state in (1, 2, 4);
CREATE INDEX ix_homestay_order_checkin_code ON homestay_order (checkin_code);
CREATE INDEX ix_homestay_order_due ON homestay_order (due_at) WHERE trade_state = 0;
CREATE INDEX ix_homestay_order_merchant ON homestay_order (homestay_user_id, id);
CREATE INDEX ix_homestay_order_refund_asked ON homestay_order (homestay_user_id, id) WHERE refund_state = 'asked';
CREATE INDEX ix_homestay_order_refund_failed ON homestay_order (id) WHERE refund_state = 'failed' and trade_state = 1;
CREATE INDEX ix_homestay_order_stay_over ON homestay_order (live_end_date) WHERE trade_state = 1;
CREATE INDEX ix_homestay_order_texts ON homestay_order (live_end_date) WHERE remark <> '' or refund_reason is not null or refund_note is not null;
CREATE INDEX ix_homestay_order_unanswered ON homestay_order (refund_opened_at) WHERE refund_state = 'asked';
CREATE INDEX ix_homestay_order_user ON homestay_order (user_id, id);
CREATE UNIQUE INDEX uq_homestay_order_unpaid ON homestay_order (user_id, unpaid_slot) WHERE trade_state = 0;
CREATE UNIQUE INDEX uq_homestay_order_valid_code ON homestay_order (checkin_code) WHERE trade_state = 1;

CREATE TABLE order_night (
  order_id BIGINT NOT NULL,
  night DATE NOT NULL,
  units INTEGER NOT NULL,
  CONSTRAINT pk_order_night PRIMARY KEY (order_id, night),
  CONSTRAINT ck_order_night_units CHECK (units >= 1),
  CONSTRAINT fk_order_night_order_id FOREIGN KEY(order_id) REFERENCES homestay_order (id)
);

CREATE TABLE order_payment (
  id BIGSERIAL NOT NULL,
  order_id BIGINT NOT NULL,
  payment_sn VARCHAR(32) NOT NULL,
  version INTEGER NOT NULL,
  pay_status SMALLINT NOT NULL,
  total_fen BIGINT NOT NULL,
  refunded_fen BIGINT DEFAULT '0' NOT NULL,
  paid_at TIMESTAMP WITH TIME ZONE NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_order_payment PRIMARY KEY (id),
  CONSTRAINT ck_order_payment_version CHECK (version >= 1),
  CONSTRAINT ck_order_payment_pay_status CHECK (pay_status in (1, 2)),
  CONSTRAINT ck_order_payment_total CHECK (total_fen > 0),
  CONSTRAINT ck_order_payment_refunded_within_total CHECK (refunded_fen between 0 and total_fen),
  CONSTRAINT fk_order_payment_order_id FOREIGN KEY(order_id) REFERENCES homestay_order (id),
  CONSTRAINT uq_order_payment_payment_sn UNIQUE (payment_sn)
);
CREATE INDEX ix_order_payment_order_id ON order_payment (order_id);

CREATE TABLE order_transition (
  id BIGSERIAL NOT NULL,
  order_id BIGINT NOT NULL,
  seq INTEGER NOT NULL,
  from_state SMALLINT,
  to_state SMALLINT NOT NULL,
  cause VARCHAR(32) NOT NULL,
  detail TEXT,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_order_transition PRIMARY KEY (id),
  CONSTRAINT uq_order_transition_order_id_seq UNIQUE (order_id, seq),
  CONSTRAINT ck_order_transition_legal CHECK (case when from_state is null then to_state = 0 and seq = 1 when from_state = 0 then to_state in (1, -1) and seq > 1 when from_state = 1 then to_state in (2, 3, 4) and seq > 1 else false end),
  CONSTRAINT fk_order_transition_order_id FOREIGN KEY(order_id) REFERENCES homestay_order (id)
);
CREATE INDEX ix_order_transition_created_at ON order_transition USING brin (created_at);
CREATE INDEX ix_order_transition_refunded ON order_transition (created_at) WHERE to_state = 3;
CREATE INDEX ix_order_transition_used ON order_transition (created_at) WHERE to_state = 2;

CREATE TABLE order_refund (
  id BIGSERIAL NOT NULL,
  order_id BIGINT NOT NULL,
  payment_sn VARCHAR(32) NOT NULL,
  request_sn VARCHAR(32) NOT NULL,
  request_key VARCHAR(128),
  cause VARCHAR(32) NOT NULL,
  refund_fen BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_order_refund PRIMARY KEY (id),
  CONSTRAINT uq_order_refund_order_id_request_key UNIQUE (order_id, request_key),
  CONSTRAINT ck_order_refund_refund CHECK (refund_fen > 0),
  CONSTRAINT ck_order_refund_state CHECK (state in ('requested', 'returned', 'failed')),
  CONSTRAINT ck_order_refund_ended CHECK ((state = 'requested') = (ended_at is null)),
  CONSTRAINT fk_order_refund_order_id FOREIGN KEY(order_id) REFERENCES homestay_order (id),
  CONSTRAINT fk_order_refund_payment_sn FOREIGN KEY(payment_sn) REFERENCES order_payment (payment_sn),
  CONSTRAINT uq_order_refund_request_sn UNIQUE (request_sn)
);
CREATE INDEX ix_order_refund_order_id ON order_refund (order_id);
CREATE INDEX ix_order_refund_payment_sn ON order_refund (payment_sn);
CREATE INDEX ix_order_refund_requested_at ON order_refund (requested_at) WHERE state = 'requested';
CREATE UNIQUE INDEX uq_order_refund_under_way ON order_refund (payment_sn) WHERE state = 'requested';

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
