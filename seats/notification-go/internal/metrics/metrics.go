// Package metrics has every series of the service, under the names that alerts and dashboards use (docs/metrics.md).
package metrics

import (
	"math"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
)

var (
	short = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	long  = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	lag   = []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
)

// Metrics is made once and handed to whatever counts.
type Metrics struct {
	registry *prometheus.Registry

	RequestSeconds  *prometheus.HistogramVec // method, route, status
	InFlight        prometheus.Gauge
	Refused         *prometheus.CounterVec // lane, reason
	Connections     prometheus.Gauge
	ConnectionsCut  *prometheus.CounterVec // reason
	Ready           prometheus.Gauge
	TimerLag        prometheus.Histogram
	SecurityEvents  *prometheus.CounterVec // kind
	UnknownDelivery *prometheus.CounterVec // path

	PoolTimeouts    prometheus.Counter
	Forgotten       *prometheus.CounterVec // what
	SecretsReplaced prometheus.Counter
	SecretsRefused  prometheus.Gauge
	AuditIntact     prometheus.Gauge
	OldestSeconds   *prometheus.GaugeVec   // state
	LimitSeconds    *prometheus.GaugeVec   // state
	Unmeasured      *prometheus.CounterVec // state

	EventsHandled       *prometheus.CounterVec   // topic, outcome
	HandleSeconds       *prometheus.HistogramVec // topic, outcome
	DeliveryDelay       *prometheus.HistogramVec // topic
	DeadLetters         *prometheus.GaugeVec     // topic, state
	SubscriptionMissing *prometheus.GaugeVec     // topic

	Attempts   *prometheus.CounterVec // kind, outcome
	Ended      *prometheus.CounterVec // kind, state
	Rejections *prometheus.CounterVec // cause
}

// New registers all series.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.RequestSeconds = m.histograms("http_server_request_duration_seconds",
		"Time from the whole request to the end of its response", short,
		"http_request_method", "http_route", "http_response_status_code")
	m.InFlight = m.gauge("http_requests_in_flight", "Requests being served")
	m.Refused = m.counters("http_requests_refused_total", "Requests refused for want of room, by lane and reason", "lane", "reason")
	m.Connections = m.gauge("http_connections", "Connections that are open")
	m.ConnectionsCut = m.counters("http_connections_cut_total", "Connections that were ended early, by reason", "reason")
	m.Ready = m.gauge("service_ready", "1 where this replica is ready, as `/readyz` says")
	m.TimerLag = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "event_loop_lag_seconds", Help: "How late a timer fires, one each second", Buckets: lag})
	m.registry.MustRegister(m.TimerLag)
	m.SecurityEvents = m.counters("security_events_total", "Events of the security log, by kind", "kind")
	m.UnknownDelivery = m.counters("deliveries_unknown_total", "Deliveries for a path that this build does not have", "path")

	m.PoolTimeouts = m.counter("db_client_connection_timeouts_total", "Waits for a connection of the database pool that were in vain")
	m.Forgotten = m.counters("personal_data_forgotten_total", "Rows whose personal part was removed because of its age", "what")
	m.SecretsReplaced = m.counter("secrets_replaced_total", "Secrets that were replaced while the service ran")
	m.SecretsRefused = m.gauge("secrets_refused", "1 while the store holds a secret that cannot be used: the one before stays in use")
	m.AuditIntact = m.gauge("audit_chain_intact", "1 if every operator's act is as it was written, 0 if one was changed or removed")
	m.AuditIntact.Set(math.NaN()) // until it is verified: 0 would wake an operator
	m.OldestSeconds = m.gauges("unfinished_oldest_seconds", "Age of the oldest row in a state that should end", "state")
	m.LimitSeconds = m.gauges("unfinished_limit_seconds", "The age beyond which an operator must look", "state")
	m.Unmeasured = m.counters("unfinished_unmeasured_total", "Times that the age of a state could not be read", "state")

	m.EventsHandled = m.counters("events_handled_total", "Events by topic and outcome", "topic", "outcome")
	m.HandleSeconds = m.histograms("messaging_process_duration_seconds",
		"Time to handle events of a topic: one alone, or all that one transaction takes", short, "topic", "outcome")
	m.DeliveryDelay = m.histograms("messaging_delivery_delay_seconds", "Time from an event to the end of its handling", long, "topic")
	m.DeadLetters = m.gauges("dead_letters",
		"Dead letters that are being retried (waiting) or need an operator (poison)", "topic", "state")
	m.SubscriptionMissing = m.gauges("subscription_missing", "1 where the sidecar does not read a topic that this service needs", "topic")

	m.Attempts = m.counters("notification_attempts_total", "Attempts by message and outcome", "kind", "outcome")
	m.Ended = m.counters("notification_tasks_ended_total", "Tasks that left the state pending", "kind", "state")
	m.Rejections = m.counters("notification_rejections_total", "Requests that WeChat rejected as wrong, by cause", "cause")

	// No comparison is true of NaN: this service publishes nothing.
	m.gauge("outbox_relay_active", "1 in the replica that publishes; NaN in a service without an outbox").Set(math.NaN())
	return m
}

// WatchPool lets the gauges of the database pool read it whenever they are asked.
func (m *Metrics) WatchPool(most, used, idle func() float64) {
	gauge := func(name, help string, labels prometheus.Labels, read func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, read))
	}
	gauge("db_client_connection_max", "Connections that the database pool may have", nil, most)
	help := "Connections of the database pool"
	gauge("db_client_connection_count", help, prometheus.Labels{"state": "used"}, used)
	gauge("db_client_connection_count", help, prometheus.Labels{"state": "idle"}, idle)
}

// Gather has what docs/metrics.md lists: of the process collector's families only those that Python's client has too.
func (m *Metrics) Gather() ([]*dto.MetricFamily, error) {
	all, err := m.registry.Gather()
	kept := all[:0]
	for _, family := range all {
		name := family.GetName()
		if !strings.HasPrefix(name, "process_network_") && name != "process_virtual_memory_max_bytes" {
			kept = append(kept, family)
		}
	}
	return kept, err
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	made := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(made)
	return made
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	made := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.registry.MustRegister(made)
	return made
}

func (m *Metrics) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	made := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(made)
	return made
}

func (m *Metrics) gauge(name, help string) prometheus.Gauge {
	made := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	m.registry.MustRegister(made)
	return made
}

func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	made := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(made)
	return made
}
