-- Amounts are integer fen; times are sandbox seconds since 1970 unless a name says real_.
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS payment_order (
  mchid TEXT NOT NULL,
  out_trade_no TEXT NOT NULL,
  appid TEXT NOT NULL,
  openid TEXT NOT NULL,
  total INTEGER NOT NULL CHECK (total >= 0),
  payer_total INTEGER NOT NULL CHECK (payer_total BETWEEN 0 AND total),
  description TEXT NOT NULL,
  attach TEXT NOT NULL,
  notify_url TEXT NOT NULL,
  request TEXT NOT NULL,
  created_at REAL NOT NULL,
  time_expire REAL NOT NULL,
  -- BURNED: a number that was closed before an order had it
  state TEXT NOT NULL CHECK (state IN ('NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED', 'BURNED')),
  transaction_id TEXT UNIQUE,
  success_at REAL,
  bank_type TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (mchid, out_trade_no)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS payment_order_expiry ON payment_order (time_expire) WHERE state = 'NOTPAY';
CREATE INDEX IF NOT EXISTS payment_order_newest ON payment_order (created_at);

CREATE TABLE IF NOT EXISTS prepay (
  prepay_id TEXT PRIMARY KEY,
  mchid TEXT NOT NULL,
  out_trade_no TEXT NOT NULL,
  created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS prepay_order ON prepay (mchid, out_trade_no);

-- The ledger: append-only, one PAY per paid order, one REFUND per refund that ended as SUCCESS.
CREATE TABLE IF NOT EXISTS ledger (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  mchid TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('PAY', 'REFUND')),
  out_trade_no TEXT NOT NULL,
  out_refund_no TEXT NOT NULL DEFAULT '',
  amount INTEGER NOT NULL CHECK (amount > 0),
  UNIQUE (mchid, kind, out_trade_no, out_refund_no)
);

CREATE TABLE IF NOT EXISTS refund (
  mchid TEXT NOT NULL,
  out_refund_no TEXT NOT NULL,
  refund_id TEXT NOT NULL UNIQUE,
  out_trade_no TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  payer_refund INTEGER NOT NULL CHECK (payer_refund BETWEEN 0 AND amount),
  request TEXT NOT NULL,
  reason TEXT NOT NULL,
  notify_url TEXT NOT NULL,
  funds_account TEXT NOT NULL,
  channel TEXT NOT NULL,
  received_account TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('PROCESSING', 'SUCCESS', 'CLOSED', 'ABNORMAL')),
  created_at REAL NOT NULL,
  finish_at REAL,
  outcome TEXT NOT NULL,
  tamper TEXT NOT NULL DEFAULT '',
  success_at REAL,
  PRIMARY KEY (mchid, out_refund_no)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS refund_order ON refund (mchid, out_trade_no);
CREATE INDEX IF NOT EXISTS refund_due ON refund (finish_at) WHERE finish_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS notification (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  mchid TEXT NOT NULL,
  event_type TEXT NOT NULL,
  out_trade_no TEXT NOT NULL,
  out_refund_no TEXT NOT NULL DEFAULT '',
  url TEXT NOT NULL,
  plaintext TEXT NOT NULL,
  body BLOB NOT NULL,
  tamper TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL CHECK (state IN ('PENDING', 'HELD', 'DELIVERED', 'EXHAUSTED', 'LOST')),
  attempts INTEGER NOT NULL DEFAULT 0,
  created_at REAL NOT NULL,
  next_at REAL
);
CREATE INDEX IF NOT EXISTS notification_due ON notification (next_at, id) WHERE state = 'PENDING';
CREATE INDEX IF NOT EXISTS notification_order ON notification (out_trade_no);

CREATE TABLE IF NOT EXISTS attempt (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  notification_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  at REAL NOT NULL,
  real_at REAL NOT NULL,
  url TEXT NOT NULL,
  fault TEXT NOT NULL,
  request_headers TEXT NOT NULL,
  request_body BLOB NOT NULL,
  status INTEGER,
  response_body TEXT NOT NULL,
  error TEXT NOT NULL,
  duration_ms INTEGER NOT NULL,
  accepted INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS attempt_notification ON attempt (notification_id);

CREATE TABLE IF NOT EXISTS user (
  appid TEXT NOT NULL,
  openid TEXT NOT NULL,
  mobile TEXT NOT NULL,
  nickname TEXT NOT NULL,
  PRIMARY KEY (appid, openid)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS login_code (
  code TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('login', 'phone')),
  appid TEXT NOT NULL,
  openid TEXT NOT NULL,
  session_key TEXT NOT NULL,
  created_at REAL NOT NULL,
  used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS access_token (
  token TEXT PRIMARY KEY,
  appid TEXT NOT NULL,
  issued_at REAL NOT NULL,
  expires_at REAL NOT NULL,
  forced INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS plain_token (
  token TEXT PRIMARY KEY,
  appid TEXT NOT NULL,
  expires_at REAL NOT NULL,
  ends_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS quota (
  openid TEXT NOT NULL,
  template_id TEXT NOT NULL,
  remaining INTEGER NOT NULL CHECK (remaining >= 0),
  PRIMARY KEY (openid, template_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  appid TEXT NOT NULL,
  openid TEXT NOT NULL,
  template_id TEXT NOT NULL,
  page TEXT NOT NULL,
  state TEXT NOT NULL,
  data TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS sms (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  mobile TEXT NOT NULL,
  text TEXT NOT NULL,
  rest TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS fault (
  name TEXT NOT NULL,
  match TEXT NOT NULL DEFAULT '',
  value REAL,
  times INTEGER,
  PRIMARY KEY (name, match)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS platform_key (
  serial TEXT PRIMARY KEY,
  mchid TEXT NOT NULL,
  key_pem TEXT NOT NULL,
  cert_pem TEXT NOT NULL,
  signs_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS bill_file (
  token TEXT PRIMARY KEY,
  mchid TEXT NOT NULL,
  content BLOB NOT NULL,
  created_at REAL NOT NULL
) WITHOUT ROWID;
