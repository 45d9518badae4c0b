-- Tables of usercenter, PostgreSQL. Made of its models by `make contracts`; edits are lost. `python -m usercenter migrate`
-- creates them, with what models do not say: triggers (append_only, the chain of operator_act), rights of the role.

CREATE TABLE login_failure (
  mobile TEXT NOT NULL,
  failures INTEGER NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_login_failure PRIMARY KEY (mobile),
  CONSTRAINT ck_login_failure_failures CHECK (failures > 0)
);
CREATE INDEX ix_login_failure_since ON login_failure (since);

CREATE TABLE mobile_code (
  mobile TEXT NOT NULL,
  digest TEXT NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  attempts INTEGER DEFAULT '0' NOT NULL,
  CONSTRAINT pk_mobile_code PRIMARY KEY (mobile)
);

CREATE TABLE mobile_code_sending (
  id BIGSERIAL NOT NULL,
  mobile TEXT NOT NULL,
  address TEXT,
  sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_mobile_code_sending PRIMARY KEY (id)
);
CREATE INDEX ix_mobile_code_sending_mobile ON mobile_code_sending (mobile, sent_at);
CREATE INDEX ix_mobile_code_sending_sent_at ON mobile_code_sending (sent_at);

CREATE TABLE sign_in_failures (
  counted_by TEXT NOT NULL,
  failures INTEGER NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  last_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_sign_in_failures PRIMARY KEY (counted_by),
  CONSTRAINT ck_sign_in_failures_failures CHECK (failures > 0)
);
CREATE INDEX ix_sign_in_failures_since ON sign_in_failures (since);

CREATE TABLE "user" (
  id BIGSERIAL NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  deleted_at TIMESTAMP WITH TIME ZONE,
  version BIGINT DEFAULT '0' NOT NULL,
  mobile TEXT NOT NULL,
  password_hash TEXT,
  nickname TEXT NOT NULL,
  sex SMALLINT DEFAULT '0' NOT NULL,
  avatar TEXT DEFAULT '' NOT NULL,
  info TEXT DEFAULT '' NOT NULL,
  roles TEXT[] DEFAULT '{buyer}' NOT NULL,
  mobile_proven_at TIMESTAMP WITH TIME ZONE,
  mobile_proven_by TEXT,
  token_generation BIGINT DEFAULT '0' NOT NULL,
  tokens_voided_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_user PRIMARY KEY (id),
  CONSTRAINT uq_user_mobile UNIQUE (mobile),
  CONSTRAINT ck_user_sex CHECK (sex in (0, 1)),
  CONSTRAINT ck_user_roles CHECK ('buyer' = any(roles) and roles <@ array['buyer', 'merchant', 'operator']),
  CONSTRAINT ck_user_proof CHECK ((mobile_proven_at is null) = (mobile_proven_by is null) and mobile_proven_by in ('wechat', 'code', 'operator', 'seed'))
);
CREATE INDEX ix_user_deleted_at ON "user" (deleted_at);
CREATE INDEX ix_user_tokens_voided_at ON "user" (tokens_voided_at);

CREATE TABLE recovery_code (
  id BIGSERIAL NOT NULL,
  user_id BIGINT NOT NULL,
  digest TEXT NOT NULL,
  used_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_recovery_code PRIMARY KEY (id),
  CONSTRAINT uq_recovery_code_user_id_digest UNIQUE (user_id, digest),
  CONSTRAINT fk_recovery_code_user_id FOREIGN KEY(user_id) REFERENCES "user" (id)
);

CREATE TABLE second_factor (
  user_id BIGINT NOT NULL,
  secret BYTEA,
  confirmed_at TIMESTAMP WITH TIME ZONE,
  pending BYTEA,
  pending_at TIMESTAMP WITH TIME ZONE,
  last_step BIGINT,
  failures INTEGER DEFAULT '0' NOT NULL,
  blocked_until TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_second_factor PRIMARY KEY (user_id),
  CONSTRAINT ck_second_factor_confirmed CHECK ((secret is null) = (confirmed_at is null)),
  CONSTRAINT ck_second_factor_pending CHECK ((pending is null) = (pending_at is null)),
  CONSTRAINT ck_second_factor_failures CHECK (failures >= 0),
  CONSTRAINT fk_second_factor_user_id FOREIGN KEY(user_id) REFERENCES "user" (id)
);

CREATE TABLE user_auth (
  id BIGSERIAL NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  version BIGINT DEFAULT '0' NOT NULL,
  user_id BIGINT NOT NULL,
  auth_type TEXT NOT NULL,
  auth_key TEXT NOT NULL,
  appid TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_user_auth PRIMARY KEY (id),
  CONSTRAINT uq_user_auth_auth_type_appid_auth_key UNIQUE (auth_type, appid, auth_key),
  CONSTRAINT uq_user_auth_user_id_auth_type_appid UNIQUE (user_id, auth_type, appid),
  CONSTRAINT ck_user_auth_auth_type CHECK (auth_type in ('system', 'wxMini')),
  CONSTRAINT fk_user_auth_user_id FOREIGN KEY(user_id) REFERENCES "user" (id)
);

CREATE TABLE user_session (
  id BIGSERIAL NOT NULL,
  user_id BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  amr TEXT[] NOT NULL,
  device TEXT NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE NOT NULL,
  authenticated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  last_used_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  ended_by TEXT,
  CONSTRAINT pk_user_session PRIMARY KEY (id),
  CONSTRAINT ck_user_session_ended CHECK ((ended_at is null) = (ended_by is null)),
  CONSTRAINT ck_user_session_ended_by CHECK (ended_by in ('sign-out', 'user', 'reuse')),
  CONSTRAINT fk_user_session_user_id FOREIGN KEY(user_id) REFERENCES "user" (id) ON DELETE CASCADE
);
CREATE INDEX ix_user_session_ended_at ON user_session (ended_at) WHERE ended_at is not null;
CREATE INDEX ix_user_session_last_used_at ON user_session (last_used_at);
CREATE INDEX ix_user_session_user_id ON user_session (user_id, last_used_at);

CREATE TABLE refresh_token (
  digest BYTEA NOT NULL,
  session_id BIGINT NOT NULL,
  made_at TIMESTAMP WITH TIME ZONE,
  used_at TIMESTAMP WITH TIME ZONE,
  repeats INTEGER DEFAULT '0' NOT NULL,
  CONSTRAINT pk_refresh_token PRIMARY KEY (digest),
  CONSTRAINT fk_refresh_token_session_id FOREIGN KEY(session_id) REFERENCES user_session (id) ON DELETE CASCADE
);
CREATE INDEX ix_refresh_token_session_id ON refresh_token (session_id);

CREATE TABLE idempotency_key (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer TEXT,
  claimed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_idempotency_key PRIMARY KEY (scope, key)
);
CREATE INDEX ix_idempotency_key_claimed_at ON idempotency_key (claimed_at);

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
