-- Tables of travel, PostgreSQL. Made of its models by `make contracts`; edits are lost. `python -m travel migrate`
-- creates them, with what models do not say: triggers (append_only, the chain of operator_act), rights of the role.

CREATE TABLE homestay_activity (
  kind TEXT NOT NULL,
  data_id BIGINT NOT NULL,
  row_status SMALLINT DEFAULT '0' NOT NULL,
  id BIGSERIAL NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  deleted_at TIMESTAMP WITH TIME ZONE,
  version BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_homestay_activity PRIMARY KEY (id),
  CONSTRAINT uq_homestay_activity_kind_data_id UNIQUE (kind, data_id),
  CONSTRAINT ck_homestay_activity_kind CHECK (kind in ('preferredHomestay', 'goodBusiness')),
  CONSTRAINT ck_homestay_activity_row_status CHECK (row_status in (0, 1))
);

CREATE TABLE homestay_business (
  title TEXT NOT NULL,
  user_id BIGINT NOT NULL,
  info TEXT DEFAULT '' NOT NULL,
  boss_info TEXT DEFAULT '' NOT NULL,
  license_front TEXT DEFAULT '' NOT NULL,
  license_back TEXT DEFAULT '' NOT NULL,
  row_state SMALLINT DEFAULT '0' NOT NULL,
  tags TEXT DEFAULT '' NOT NULL,
  cover TEXT DEFAULT '' NOT NULL,
  header_img TEXT DEFAULT '' NOT NULL,
  id BIGSERIAL NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  deleted_at TIMESTAMP WITH TIME ZONE,
  version BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_homestay_business PRIMARY KEY (id),
  CONSTRAINT uq_homestay_business_user_id UNIQUE (user_id),
  CONSTRAINT uq_homestay_business_id_user_id UNIQUE (id, user_id),
  CONSTRAINT ck_homestay_business_title CHECK (char_length(title) between 1 and 32),
  CONSTRAINT ck_homestay_business_row_state CHECK (row_state in (0, 1))
);

CREATE TABLE homestay_night (
  homestay_id BIGINT NOT NULL,
  night DATE NOT NULL,
  taken INTEGER NOT NULL,
  stock INTEGER NOT NULL,
  version INTEGER NOT NULL,
  CONSTRAINT pk_homestay_night PRIMARY KEY (homestay_id, night)
);
CREATE INDEX ix_homestay_night_night ON homestay_night (night);

CREATE TABLE host_application (
  id BIGSERIAL NOT NULL,
  user_id BIGINT NOT NULL,
  shop_name TEXT NOT NULL,
  contact_name TEXT NOT NULL,
  contact_mobile TEXT NOT NULL,
  about TEXT NOT NULL,
  state TEXT NOT NULL,
  note TEXT DEFAULT '' NOT NULL,
  problem TEXT,
  applied_at TIMESTAMP WITH TIME ZONE NOT NULL,
  decided_at TIMESTAMP WITH TIME ZONE,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  leased_until TIMESTAMP WITH TIME ZONE,
  tries INTEGER DEFAULT '0' NOT NULL,
  CONSTRAINT pk_host_application PRIMARY KEY (id),
  CONSTRAINT uq_host_application_user_id UNIQUE (user_id),
  CONSTRAINT ck_host_application_shop_name CHECK (char_length(shop_name) between 1 and 32),
  CONSTRAINT ck_host_application_state CHECK (state in ('waiting', 'approved', 'granted', 'refused')),
  CONSTRAINT ck_host_application_decided CHECK ((state = 'waiting') = (decided_at is null))
);
CREATE INDEX ix_host_application_due ON host_application (due_at) WHERE state = 'approved';
CREATE INDEX ix_host_application_state ON host_application (state, id);

CREATE TABLE night_comparison (
  id SMALLSERIAL NOT NULL,
  after_homestay_id BIGINT DEFAULT '0' NOT NULL,
  after_night DATE DEFAULT '2000-01-01' NOT NULL,
  repaired INTEGER DEFAULT '0' NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  leased_until TIMESTAMP WITH TIME ZONE,
  tries INTEGER DEFAULT '0' NOT NULL,
  CONSTRAINT pk_night_comparison PRIMARY KEY (id),
  CONSTRAINT ck_night_comparison_one_row CHECK (id = 1)
);

CREATE TABLE homestay (
  request_key TEXT,
  title TEXT NOT NULL,
  sub_title TEXT DEFAULT '' NOT NULL,
  banner TEXT DEFAULT '' NOT NULL,
  info TEXT DEFAULT '' NOT NULL,
  people_num SMALLINT NOT NULL,
  homestay_business_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  row_state SMALLINT DEFAULT '0' NOT NULL,
  sold_by SMALLINT DEFAULT '0' NOT NULL,
  stock INTEGER DEFAULT '1' NOT NULL,
  food_info TEXT DEFAULT '' NOT NULL,
  food_price_fen BIGINT DEFAULT '0' NOT NULL,
  homestay_price_fen BIGINT NOT NULL,
  market_homestay_price_fen BIGINT DEFAULT '0' NOT NULL,
  weekend_price_fen BIGINT,
  city TEXT DEFAULT '' NOT NULL,
  min_nights SMALLINT DEFAULT '1' NOT NULL,
  max_nights SMALLINT DEFAULT '90' NOT NULL,
  days_ahead SMALLINT DEFAULT '365' NOT NULL,
  cancel_policy TEXT DEFAULT 'flexible' NOT NULL,
  export_secret TEXT,
  id BIGSERIAL NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  deleted_at TIMESTAMP WITH TIME ZONE,
  version BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_homestay PRIMARY KEY (id),
  CONSTRAINT fk_homestay_homestay_business_id FOREIGN KEY(homestay_business_id, user_id) REFERENCES homestay_business (id, user_id),
  CONSTRAINT ck_homestay_title CHECK (char_length(title) between 1 and 32),
  CONSTRAINT ck_homestay_people_num CHECK (people_num between 1 and 100),
  CONSTRAINT ck_homestay_row_state CHECK (row_state in (0, 1)),
  CONSTRAINT ck_homestay_sold_by CHECK (sold_by in (0, 1)),
  CONSTRAINT ck_homestay_stock CHECK (stock >= 0),
  CONSTRAINT ck_homestay_food_price_fen CHECK (food_price_fen >= 0),
  CONSTRAINT ck_homestay_homestay_price_fen CHECK (homestay_price_fen > 0),
  CONSTRAINT ck_homestay_market_homestay_price_fen CHECK (market_homestay_price_fen >= 0),
  CONSTRAINT ck_homestay_weekend_price_fen CHECK (weekend_price_fen > 0),
  CONSTRAINT ck_homestay_nights CHECK (min_nights between 1 and max_nights and max_nights <= 90),
  CONSTRAINT ck_homestay_days_ahead CHECK (days_ahead between 1 and 365),
  CONSTRAINT ck_homestay_cancel_policy CHECK (cancel_policy in ('flexible', 'moderate', 'strict')),
  CONSTRAINT uq_homestay_user_id_request_key UNIQUE (user_id, request_key),
  CONSTRAINT uq_homestay_export_secret UNIQUE (export_secret)
);
CREATE INDEX ix_homestay_city ON homestay (city) WHERE row_state = 1 and deleted_at is null;
CREATE INDEX ix_homestay_homestay_business_id_id ON homestay (homestay_business_id, id);

CREATE TABLE foreign_calendar (
  id BIGSERIAL NOT NULL,
  homestay_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  etag TEXT,
  read_at TIMESTAMP WITH TIME ZONE,
  fetched_at TIMESTAMP WITH TIME ZONE,
  error TEXT DEFAULT '' NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  leased_until TIMESTAMP WITH TIME ZONE,
  tries INTEGER DEFAULT '0' NOT NULL,
  CONSTRAINT pk_foreign_calendar PRIMARY KEY (id),
  CONSTRAINT uq_foreign_calendar_homestay_id_url UNIQUE (homestay_id, url),
  CONSTRAINT ck_foreign_calendar_name CHECK (char_length(name) between 1 and 32),
  CONSTRAINT ck_foreign_calendar_url CHECK (char_length(url) between 1 and 2000),
  CONSTRAINT fk_foreign_calendar_homestay_id FOREIGN KEY(homestay_id) REFERENCES homestay (id)
);
CREATE INDEX ix_foreign_calendar_due ON foreign_calendar (due_at);

CREATE TABLE homestay_comment (
  homestay_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  order_sn TEXT NOT NULL,
  content TEXT NOT NULL,
  tidiness SMALLINT NOT NULL,
  traffic SMALLINT NOT NULL,
  hospitality SMALLINT NOT NULL,
  value SMALLINT NOT NULL,
  id BIGSERIAL NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  deleted_at TIMESTAMP WITH TIME ZONE,
  version BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_homestay_comment PRIMARY KEY (id),
  CONSTRAINT uq_homestay_comment_order_sn UNIQUE (order_sn),
  CONSTRAINT ck_homestay_comment_content CHECK (char_length(content) between 1 and 500),
  CONSTRAINT ck_homestay_comment_stars CHECK (tidiness between 1 and 5 and traffic between 1 and 5 and hospitality between 1 and 5 and value between 1 and 5),
  CONSTRAINT fk_homestay_comment_homestay_id FOREIGN KEY(homestay_id) REFERENCES homestay (id)
);
CREATE INDEX ix_homestay_comment_homestay_id_id ON homestay_comment (homestay_id, id);

CREATE TABLE homestay_date (
  homestay_id BIGINT NOT NULL,
  night DATE NOT NULL,
  price_fen BIGINT,
  closed BOOLEAN DEFAULT false NOT NULL,
  CONSTRAINT pk_homestay_date PRIMARY KEY (homestay_id, night),
  CONSTRAINT ck_homestay_date_price_fen CHECK (price_fen > 0),
  CONSTRAINT ck_homestay_date_says_something CHECK (closed or price_fen is not null),
  CONSTRAINT fk_homestay_date_homestay_id FOREIGN KEY(homestay_id) REFERENCES homestay (id)
);

CREATE TABLE homestay_photo (
  id BIGSERIAL NOT NULL,
  homestay_id BIGINT NOT NULL,
  key TEXT NOT NULL,
  state TEXT DEFAULT 'writing' NOT NULL,
  place SMALLINT DEFAULT '0' NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  leased_until TIMESTAMP WITH TIME ZONE,
  tries INTEGER DEFAULT '0' NOT NULL,
  CONSTRAINT pk_homestay_photo PRIMARY KEY (id),
  CONSTRAINT uq_homestay_photo_key UNIQUE (key),
  CONSTRAINT ck_homestay_photo_state CHECK (state in ('writing', 'stored', 'removed')),
  CONSTRAINT ck_homestay_photo_size CHECK (width > 0 and height > 0),
  CONSTRAINT fk_homestay_photo_homestay_id FOREIGN KEY(homestay_id) REFERENCES homestay (id)
);
CREATE INDEX ix_homestay_photo_due ON homestay_photo (due_at) WHERE state <> 'stored';
CREATE INDEX ix_homestay_photo_homestay_id ON homestay_photo (homestay_id);

CREATE TABLE host_change (
  id BIGSERIAL NOT NULL,
  user_id BIGINT NOT NULL,
  homestay_id BIGINT,
  action TEXT NOT NULL,
  before JSONB NOT NULL,
  after JSONB NOT NULL,
  changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_host_change PRIMARY KEY (id),
  CONSTRAINT fk_host_change_homestay_id FOREIGN KEY(homestay_id) REFERENCES homestay (id)
);
CREATE INDEX ix_host_change_homestay_id_id ON host_change (homestay_id, id);
CREATE INDEX ix_host_change_user_id_id ON host_change (user_id, id);

CREATE TABLE blocked_night (
  calendar_id BIGINT NOT NULL,
  night DATE NOT NULL,
  CONSTRAINT pk_blocked_night PRIMARY KEY (calendar_id, night),
  CONSTRAINT fk_blocked_night_calendar_id FOREIGN KEY(calendar_id) REFERENCES foreign_calendar (id) ON DELETE CASCADE
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
