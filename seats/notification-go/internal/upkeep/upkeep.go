// Package upkeep runs work in the background: loops that measure and prune, and the ages of states that should end.
package upkeep

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/activity"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/pg"
)

// Step is one piece of work. It must be safe beside itself on another replica.
type Step func(context.Context) error

// Every runs steps in order, first after a while and then in a period, until ctx ends. A step that fails is logged and stops
// neither the others nor the next round.
func Every(ctx context.Context, log *slog.Logger, name string, first, period time.Duration, steps ...Step) {
	timer := time.NewTimer(first)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		for _, step := range steps {
			if err := step(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "background work failed", "work", name, "error", activity.ErrorText(err))
			}
		}
		timer.Reset(period)
	}
}

// Unfinished is a state that should end: since selects the moment from which the oldest row's age counts, or null.
type Unfinished struct {
	State string
	Since string
	Limit time.Duration
}

// States are those of this service; two alerts watch them all.
var States = []Unfinished{
	// Its age counts from the due time of the next attempt.
	{"notification_task.pending", "select min(due_at) from notification_task where state = 'pending'", 30 * time.Minute},
	{"dead_letter.waiting", "select min(received_at) from dead_letter where state = 'waiting'", time.Hour},
	{"dead_letter.poison", "select min(received_at) from dead_letter where state = 'poison'", 24 * time.Hour},
}

// Ages measures how old the oldest row in each state is.
type Ages struct {
	DB      *pg.Database
	Metrics *metrics.Metrics
	Now     func() time.Time
	Log     *slog.Logger
}

// CountFromZero makes the series.
func (a Ages) CountFromZero() {
	for _, each := range States {
		a.Metrics.LimitSeconds.WithLabelValues(each.State).Set(each.Limit.Seconds())
		a.Metrics.Unmeasured.WithLabelValues(each.State)
	}
}

// Measure sets 0 where nothing is in the state, or not yet due; NaN where it cannot be read, which stops no other.
func (a Ages) Measure(ctx context.Context) error {
	for _, each := range States {
		age := math.NaN()
		var since *time.Time
		err := a.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
			return q.QueryRow(ctx, each.Since).Scan(&since)
		})
		switch {
		case err != nil:
			a.Metrics.Unmeasured.WithLabelValues(each.State).Inc()
			a.Log.WarnContext(ctx, "an age is unknown", "state", each.State, "reason", activity.ErrorText(err))
		case since == nil:
			age = 0
		default:
			age = max(0, a.Now().Sub(*since).Seconds())
		}
		a.Metrics.OldestSeconds.WithLabelValues(each.State).Set(age)
	}
	return nil
}

// PruneInbox deletes what is older than any redelivery can be, a slice at a time.
func PruneInbox(db *pg.Database, keepDays int) Step {
	const slice = 5000
	return func(ctx context.Context) error {
		for {
			var gone int64
			err := db.Read(ctx, func(ctx context.Context, q pg.Querier) error {
				done, err := q.Exec(ctx, `delete from inbox where (source, event_id) in (select source, event_id from inbox
					where received_at < now() - make_interval(days => $1) limit $2)`, keepDays, slice)
				gone = done.RowsAffected()
				return err
			})
			if err != nil || gone < slice {
				return err
			}
		}
	}
}
