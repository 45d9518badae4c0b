// Package activity notes what this process has last done: cron ticks by job, events received by topic. In memory alone, so
// that it costs no statement where it is noted; a row in the table replica is written every 15 seconds.
package activity

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/event"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
)

// Tick is the last tick of a job. Claimed: rows that it took, nil where it failed; Error and FailedAt are of the last
// failure, which may be older than the last tick. The JSON is what the table replica holds, in either language.
type Tick struct {
	At       Time    `json:"at"`
	Seconds  float64 `json:"seconds"`
	Claimed  *int    `json:"claimed"`
	Error    *string `json:"error"`
	FailedAt *Time   `json:"failed_at"`
}

// Reception: when an event of the topic was last applied or dropped and had occurred, the newest of all that were, and when
// one was last left to the broker.
type Reception struct {
	HandledAt  *Time `json:"handled_at"`
	OccurredAt *Time `json:"occurred_at"`
	NewestAt   *Time `json:"newest_at"`
	RetriedAt  *Time `json:"retried_at"`
}

// Activity is of one process: Name is its host and port, the same after a restart in place.
type Activity struct {
	Name      string
	Version   string
	StartedAt time.Time
	now       func() time.Time

	mutex    sync.Mutex
	ticks    map[string]Tick
	received map[string]Reception
}

// New begins an activity now.
func New(now func() time.Time, port int, version string) (*Activity, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("the name of this host: %w", err)
	}
	return &Activity{
		Name: fmt.Sprintf("%s:%d", host, port), Version: version, StartedAt: now(), now: now,
		ticks: map[string]Tick{}, received: map[string]Reception{},
	}, nil
}

// Tick runs a job and notes its result.
func (a *Activity) Tick(job string, run func() (int, error)) (int, error) {
	began := a.now()
	claimed, err := run()
	now := a.now()
	a.mutex.Lock()
	defer a.mutex.Unlock()
	tick := Tick{At: Time{began}, Seconds: now.Sub(began).Round(time.Millisecond).Seconds()}
	tick.Error, tick.FailedAt = a.ticks[job].Error, a.ticks[job].FailedAt
	if err != nil {
		text := ErrorText(err)
		tick.Error, tick.FailedAt = &text, &Time{now}
	} else {
		tick.Claimed = &claimed
	}
	a.ticks[job] = tick
	return claimed, err
}

// Handled implements event.Noted.
func (a *Activity) Handled(topic string, envelopes []json.RawMessage, retried bool) {
	now := &Time{a.now()}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	known := a.received[topic]
	for _, each := range envelopes {
		known.HandledAt, known.OccurredAt = now, nil
		object, err := strictjson.Parse(each)
		if err != nil {
			continue
		}
		if occurred := event.TimeOf(object); occurred != nil {
			known.OccurredAt = &Time{*occurred}
			known.NewestAt = Later(known.NewestAt, known.OccurredAt)
		}
	}
	if retried {
		known.RetriedAt = now
	}
	a.received[topic] = known
}

// Snapshot is a copy of what has been noted.
func (a *Activity) Snapshot() (ticks map[string]Tick, received map[string]Reception) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return maps.Clone(a.ticks), maps.Clone(a.received)
}

// Later is the later of two moments, nil being none.
func Later(a, b *Time) *Time {
	if a == nil || b != nil && b.After(a.Time) {
		return b
	}
	return a
}

// ErrorText is the text of an error where it is kept for people: of our own problems their detail, of all others the kind,
// for the texts of a database quote what was stored.
func ErrorText(err error) string {
	if found := problem.Of(err); found != nil {
		return short(found.Kind.Slug + ": " + found.Error())
	}
	return short(fmt.Sprintf("%T", err))
}

func short(text string) string {
	characters := []rune(text)
	return string(characters[:min(len(characters), 300)])
}

// NewestTick is, of a job on two replicas, the later tick with the later failure.
func NewestTick(one, other Tick) Tick {
	last, before := one, other
	if other.At.After(one.At.Time) {
		last, before = other, one
	}
	if before.FailedAt != nil && (last.FailedAt == nil || before.FailedAt.After(last.FailedAt.Time)) {
		last.Error, last.FailedAt = before.Error, before.FailedAt
	}
	return last
}

// NewestReception is, of a topic on two replicas, the event handled later, and the later retry.
func NewestReception(one, other Reception) Reception {
	last := one
	if one.HandledAt == nil || other.HandledAt != nil && other.HandledAt.After(one.HandledAt.Time) {
		last = other
	}
	last.NewestAt, last.RetriedAt = Later(one.NewestAt, other.NewestAt), Later(one.RetriedAt, other.RetriedAt)
	return last
}
