// Package config reads the service's settings from the environment. The names are those of the Python service, so that a
// replica in either language starts with the same environment.
package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"time"
)

// Config is read once at the start and never changed. Durations and limits have the units of their fields' names.
type Config struct {
	AppHost       string
	AppPort       int
	AppToken      string // what the own sidecar shows with every call
	DeliveryToken string // what the routes of the own subscriptions and cron bindings begin with; empty: none
	Version       string
	LogFormat     string
	LogLevel      string

	DaprURL     string
	DaprAddress string // host:port of the sidecar's HTTP API
	DaprToken   string
	PubSub      string
	SecretStore string

	Database Database
	WeChat   WeChat
	Messages Messages
	Limits   Limits

	InboxKeepDays      int
	DeadLetterKeepDays int
	MessagesKeepDays   int
	TracesEndpoint     string // OTLP over HTTP; empty: spans are not recorded
}

// Database says how to connect. The password is read from PasswordFile for every new connection, where that is given.
type Database struct {
	URL            string
	PasswordFile   string
	PoolSize       int
	PoolTimeout    time.Duration
	ConnectTimeout time.Duration
}

// WeChat is the mini program whose messages are sent.
type WeChat struct {
	BaseURL string
	AppID   string
	State   string // developer, trial or formal
	Lang    string // zh_CN or en_US
	Timeout time.Duration
}

// Messages are the templates, the pages that a tap opens, and when a message is retried.
type Messages struct {
	TemplatePaid        string
	TemplateArrival     string
	TemplateRefunded    string
	TemplateRefundAsked string
	Page                string
	MerchantPage        string
	CheckinTime         string
	CheckoutTime        string
	Parallel            int
	ParallelRetries     int
	MaxAttempts         int
	GiveUpAfter         time.Duration
	FirstPause          time.Duration
	LongestPause        time.Duration
}

// Limits bound what is served at once and how long the end may take.
type Limits struct {
	Requests              int
	DeliveryPlaces        int
	Connections           int
	ConnectionsPerAddress int
	TrustedPeers          []netip.Prefix // their addresses stand for many people
	RequestsPerUser       Rate
	Capacity              time.Duration // without a free place for so long the replica is not ready
	Arrive                time.Duration // for a request's head, and again for its body
	Drain                 time.Duration
	Shutdown              time.Duration
}

const (
	segment         = `^([A-Za-z0-9]{16,})?$`
	hhmm            = `^([01]\d|2[0-3]):[0-5]\d$`
	ours            = "NOTIFICATION_"
	privateNetworks = "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"
)

// Load reads the environment through lookup (os.LookupEnv). The error has one line for each setting that is missing or wrong.
func Load(lookup func(string) (string, bool)) (Config, error) {
	r := &reader{lookup: lookup}
	host, port := r.text("DAPR_HOST", "127.0.0.1"), r.integer("DAPR_HTTP_PORT", 3500, 1, 65535)
	c := Config{
		AppHost:            r.text("APP_HOST", "127.0.0.1"),
		AppPort:            r.integer("APP_PORT", 8000, 1, 65535),
		AppToken:           r.matching("APP_API_TOKEN", nil, regexp.MustCompile(`^.{16,}$`)),
		DeliveryToken:      r.matching("DELIVERY_TOKEN", optional(""), regexp.MustCompile(segment)),
		Version:            r.matching("MINSU_VERSION", optional("development"), regexp.MustCompile(`^.{1,64}$`)),
		LogFormat:          r.oneOf("LOG_FORMAT", "console", "console", "json"),
		LogLevel:           r.oneOf("LOG_LEVEL", "INFO", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL"),
		DaprAddress:        fmt.Sprintf("%s:%d", host, port),
		DaprURL:            fmt.Sprintf("http://%s:%d", host, port),
		DaprToken:          r.text("DAPR_API_TOKEN", ""),
		PubSub:             r.text(ours+"PUBSUB", "pubsub"),
		SecretStore:        r.text(ours+"SECRET_STORE", "secrets"),
		Database:           database(r),
		WeChat:             weChat(r),
		Messages:           messages(r),
		Limits:             limits(r),
		InboxKeepDays:      r.integer(ours+"INBOX_KEEP_DAYS", 30, 8, 36500),
		DeadLetterKeepDays: r.integer(ours+"DEAD_LETTER_KEEP_DAYS", 90, 1, 36500),
		MessagesKeepDays:   r.integer(ours+"MESSAGES_KEEP_DAYS", 365, 31, 36500),
		TracesEndpoint:     r.text("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
	}
	return c, r.err()
}

func database(r *reader) Database {
	return Database{
		URL:            r.url(ours+"DATABASE_URL", nil, "postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"),
		PasswordFile:   r.text(ours+"DATABASE_PASSWORD_FILE", ""),
		PoolSize:       r.integer(ours+"DATABASE_POOL_SIZE", 10, 1, 200),
		PoolTimeout:    r.seconds(ours+"DATABASE_POOL_TIMEOUT_SECONDS", 2, 0.001, 3600),
		ConnectTimeout: r.seconds(ours+"DATABASE_CONNECT_SECONDS", 3, 0.001, 3600),
	}
}

func weChat(r *reader) WeChat {
	return WeChat{
		BaseURL: r.url(ours+"WXMA_BASE_URL", optional("https://api.weixin.qq.com"), "http", "https"),
		AppID:   r.matching(ours+"WXMA_APPID", nil, regexp.MustCompile(`^.+$`)),
		State:   r.oneOf(ours+"WXMA_STATE", "formal", "developer", "trial", "formal"),
		Lang:    r.oneOf(ours+"WXMA_LANG", "zh_CN", "zh_CN", "en_US"),
		// Token, send, new token and second send must all end within the lease.
		Timeout: r.seconds(ours+"WXMA_TIMEOUT_SECONDS", 5, 0.001, 5),
	}
}

func messages(r *reader) Messages {
	given, clock := regexp.MustCompile(`^.+$`), regexp.MustCompile(hhmm)
	return Messages{
		TemplatePaid:        r.matching(ours+"TEMPLATE_PAID", nil, given),
		TemplateArrival:     r.matching(ours+"TEMPLATE_ARRIVAL", nil, given),
		TemplateRefunded:    r.matching(ours+"TEMPLATE_REFUNDED", nil, given),
		TemplateRefundAsked: r.matching(ours+"TEMPLATE_REFUND_ASKED", nil, given),
		Page:                r.short(ours+"PAGE", 1024),
		MerchantPage:        r.short(ours+"MERCHANT_PAGE", 1024),
		CheckinTime:         r.matching(ours+"CHECKIN_TIME", optional("14:00"), clock),
		CheckoutTime:        r.matching(ours+"CHECKOUT_TIME", optional("12:00"), clock),
		Parallel:            r.integer(ours+"PARALLEL", 128, 1, 500),
		ParallelRetries:     r.integer(ours+"PARALLEL_RETRIES", 64, 1, 500),
		MaxAttempts:         r.integer(ours+"MAX_ATTEMPTS", 25, 1, 1000),
		GiveUpAfter:         r.duration(ours+"GIVE_UP_AFTER", 24*time.Hour),
		FirstPause:          r.seconds(ours+"FIRST_PAUSE_SECONDS", 5, 0.001, 3600),
		LongestPause:        r.seconds(ours+"LONGEST_PAUSE_SECONDS", 5400, 0.001, 86400),
	}
}

func limits(r *reader) Limits {
	return Limits{
		Requests:              r.integer(ours+"REQUEST_CONCURRENCY", 256, 1, 1<<20),
		DeliveryPlaces:        r.integer(ours+"DELIVERY_PLACES", 64, 0, 1<<20),
		Connections:           r.integer("CONNECTIONS", 4096, 64, 1<<20),
		ConnectionsPerAddress: r.integer("CONNECTIONS_PER_ADDRESS", 256, 1, 1<<20),
		TrustedPeers:          r.networks("TRUSTED_PEERS", privateNetworks),
		RequestsPerUser:       r.rate(ours+"REQUESTS_PER_USER", "3000/minute"),
		Capacity:              r.seconds(ours+"CAPACITY_SECONDS", 10, 0.001, 3600),
		Arrive:                r.seconds("ARRIVE_SECONDS", 10, 0.001, 3600),
		Drain:                 r.seconds("DRAIN_SECONDS", 20, 0, 3600),
		Shutdown:              time.Duration(r.integer(ours+"SHUTDOWN_SECONDS", 10, 0, 3600)) * time.Second,
	}
}

// PostgresURL is the database's URL as libpq writes it: SQLAlchemy's driver names are taken out.
func (d Database) PostgresURL() string {
	parsed, err := url.Parse(d.URL)
	if err != nil { // Load has parsed it before
		return d.URL
	}
	parsed.Scheme = "postgresql"
	return parsed.String()
}
