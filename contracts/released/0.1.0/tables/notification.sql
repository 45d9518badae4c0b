-- Tables of notification, PostgreSQL. Made of its models by `make contracts`; edits are lost. `python -m notification migrate`
-- creates them, with what models do not say: triggers (append_only, the chain of operator_act), rights of the role.

CREATE TABLE notification_task (
  id BIGSERIAL NOT NULL,
  order_sn TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT DEFAULT '' NOT NULL,
  facts JSONB,
  state TEXT DEFAULT 'pending' NOT NULL,
  reason TEXT,
  cause TEXT,
  attempts INTEGER DEFAULT '0' NOT NULL,
  give_up_at TIMESTAMP WITH TIME ZONE NOT NULL,
  sent_at TIMESTAMP WITH TIME ZONE,
  traceparent TEXT,
  tracestate TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  version INTEGER DEFAULT '0' NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  leased_until TIMESTAMP WITH TIME ZONE,
  tries INTEGER DEFAULT '0' NOT NULL,
  CONSTRAINT pk_notification_task PRIMARY KEY (id),
  CONSTRAINT uq_notification_task_order_sn_kind_subject UNIQUE (order_sn, kind, subject),
  CONSTRAINT ck_notification_task_kind CHECK (kind in ('paid', 'before_arrival', 'refunded', 'given_back', 'refund_asked')),
  CONSTRAINT ck_notification_task_state CHECK (state in ('pending', 'sent', 'refused', 'invalid', 'dead', 'cancelled')),
  CONSTRAINT ck_notification_task_counts CHECK (attempts >= tries and tries >= 0),
  CONSTRAINT ck_notification_task_sent_at CHECK ((state = 'sent') = (sent_at is not null))
);
CREATE INDEX ix_notification_task_created_at ON notification_task USING brin (created_at);
CREATE INDEX ix_notification_task_due ON notification_task (due_at, id) WHERE state = 'pending';
CREATE INDEX ix_notification_task_fresh ON notification_task (id) WHERE state = 'pending' and attempts = 0;
CREATE INDEX ix_notification_task_state_id ON notification_task (state, id);

CREATE TABLE delivery_attempt (
  id BIGSERIAL NOT NULL,
  task_id BIGINT NOT NULL,
  seq INTEGER NOT NULL,
  outcome TEXT DEFAULT 'unknown' NOT NULL,
  errcode INTEGER,
  detail TEXT,
  started_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_delivery_attempt PRIMARY KEY (id),
  CONSTRAINT uq_delivery_attempt_task_id_seq UNIQUE (task_id, seq),
  CONSTRAINT ck_delivery_attempt_outcome CHECK (outcome in ('unknown', 'accepted', 'presumed', 'refused', 'invalid', 'failed', 'not_sent')),
  CONSTRAINT ck_delivery_attempt_ended CHECK (outcome = 'unknown' or ended_at is not null),
  CONSTRAINT fk_delivery_attempt_task_id FOREIGN KEY(task_id) REFERENCES notification_task (id)
);

CREATE TABLE notification_transition (
  id BIGSERIAL NOT NULL,
  task_id BIGINT NOT NULL,
  seq INTEGER NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_notification_transition PRIMARY KEY (id),
  CONSTRAINT uq_notification_transition_task_id_seq UNIQUE (task_id, seq),
  CONSTRAINT fk_notification_transition_task_id FOREIGN KEY(task_id) REFERENCES notification_task (id)
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
