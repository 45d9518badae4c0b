// Package security is the security log: who was refused, and what changed. One line and one count for each event.
//
// Strangers cause most kinds at any pace, so each of those has a bound on its lines; the counter has them all.
package security

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
)

const linesPerSecond = 20 // of each kind that strangers cause

var (
	kinds = []string{
		"signed_in", "sign_in_failed", "sign_in_slowed", "mobile_code_wrong", "token_refused", "forbidden", "role_changed",
		"session_ended", "refresh_reused", "refresh_repeated", "password_changed", "second_factor_failed", "rate_limited",
		"reauthentication_refused", "approval_given", "personal_data_read", "personal_data_erased", "key_rotated",
	}
	byStrangers = []string{
		"sign_in_failed", "sign_in_slowed", "mobile_code_wrong", "second_factor_failed", "token_refused", "forbidden", "rate_limited",
	}
)

// Log counts and writes security events.
type Log struct {
	log     *slog.Logger
	metrics *metrics.Metrics

	mutex sync.Mutex
	lines map[string]*pace
}

type pace struct {
	second  int64
	written int
	leftOut int
}

// New makes the log, and every kind's series at 0.
func New(log *slog.Logger, m *metrics.Metrics) *Log {
	for _, kind := range kinds {
		m.SecurityEvents.WithLabelValues(kind)
	}
	return &Log{log: log, metrics: m, lines: map[string]*pace{}}
}

// Event counts an event and writes its line with those facts (name, value, …) that are not empty.
func (l *Log) Event(ctx context.Context, kind string, facts ...any) {
	l.metrics.SecurityEvents.WithLabelValues(kind).Inc()
	leftOut, written := l.take(kind)
	if !written {
		return
	}
	line := []any{"security_event", kind}
	for place := 0; place+1 < len(facts); place += 2 {
		if facts[place+1] != "" {
			line = append(line, facts[place], facts[place+1])
		}
	}
	if leftOut > 0 {
		line = append(line, "left_out", leftOut)
	}
	l.log.InfoContext(ctx, "security", line...)
}

// take returns how many lines were left out before this one, and whether this one is written.
func (l *Log) take(kind string) (leftOut int, written bool) {
	if !slices.Contains(byStrangers, kind) {
		return 0, true
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	p := l.lines[kind]
	if p == nil {
		p = &pace{}
		l.lines[kind] = p
	}
	if second := time.Now().Unix(); second != p.second {
		p.second, p.written = second, 0
	}
	if p.written >= linesPerSecond {
		p.leftOut++
		return 0, false
	}
	p.written++
	leftOut, p.leftOut = p.leftOut, 0
	return leftOut, true
}
