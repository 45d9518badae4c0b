// Package deadletter keeps events that the consumers could not apply in a table, and retries them by cron. A row that no
// retry can apply becomes poison with its reason and waits for an operator.
package deadletter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/activity"
	"github.com/minsu/minsu/seats/notification-go/internal/event"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
)

const (
	lease   = 2 * time.Minute
	atOnce  = 50
	forgets = 5000
)

// State of a letter: waiting → applied | poison → discarded.
type State string

const (
	Waiting   State = "waiting"
	Applied   State = "applied"
	Poison    State = "poison"
	Discarded State = "discarded"
)

// Letters are the dead letters of the service.
type Letters struct {
	DB      *pg.Database
	Log     *slog.Logger
	Metrics *metrics.Metrics
	Now     func() time.Time
	Topics  []event.Topic
	AppID   string
}

var backoff = task.Backoff{First: 20 * time.Second, Longest: 10 * time.Minute}

// TopicOf is the dead-letter topic of a topic.
func (l *Letters) TopicOf(topic string) string { return topic + "." + l.AppID + ".dlq" }

// AllTopics are those that the sidecar has to subscribe to: each consumer's, and its dead letters'.
func (l *Letters) AllTopics() []string {
	var topics []string
	for _, each := range l.Topics {
		topics = append(topics, each.Topic(), l.TopicOf(each.Topic()))
	}
	return topics
}

// Keep inserts the letter unless it is there. DatabaseUnavailable: the broker then delivers it again.
func (l *Letters) Keep(ctx context.Context, topic string, body []byte) error {
	body = asPublished(body)
	text := strings.ReplaceAll(strings.ToValidUTF8(string(body), "\ufffd"), "\x00", "\ufffd")
	sum := sha256.Sum256(body)
	id, source := hex.EncodeToString(sum[:]), "unreadable"
	if knownID, knownSource, err := event.ParseKey([]byte(text)); err == nil {
		id, source = knownID, knownSource
	}
	return l.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, `insert into dead_letter (topic, source, event_id, body, due_at) values ($1, $2, $3, $4, $5)
			on conflict do nothing`, topic, source, id, text, l.Now())
		return err
	})
}

// asPublished is the message as it lies in the topic: with rawPayload the sidecar wraps it in an envelope of its own, in base64.
func asPublished(delivered []byte) []byte {
	var envelope struct {
		Type string `json:"type"`
		Data []byte `json:"data_base64"`
	}
	if json.Unmarshal(delivered, &envelope) != nil || envelope.Type != "com.dapr.event.sent" || envelope.Data == nil {
		return delivered
	}
	return envelope.Data
}

// Counts are letters by the state that a try ended in.
type Counts map[State]int

// Total is how many were tried.
func (c Counts) Total() int { return c[Applied] + c[Waiting] + c[Poison] }

// Reapply retries the letters that are due. Replicas and overlapping cron ticks never claim the same row.
func (l *Letters) Reapply(ctx context.Context) (Counts, error) { return l.reapply(ctx, atOnce, nil) }

func (l *Letters) reapply(ctx context.Context, limit int, only *int64) (Counts, error) {
	counts := Counts{}
	claimed, err := l.claim(ctx, limit, only)
	if err != nil {
		return counts, err
	}
	for _, each := range claimed {
		state, reason := l.try(ctx, each)
		counts[state]++
		if err := l.record(ctx, each, state, reason); err != nil {
			return counts, err
		}
	}
	return counts, nil
}

type claimedLetter struct {
	ID    int64
	Topic string
	Body  string
	Tries int32
}

func (l *Letters) claim(ctx context.Context, limit int, only *int64) (claimed []claimedLetter, err error) {
	now := l.Now()
	err = l.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			with due as (
			  select id from dead_letter where state = 'waiting' and ($4::bigint is null or id = $4)
			     and due_at <= $1 and (leased_until is null or leased_until <= $1)
			   order by id limit $3 for update skip locked),
			taken as (
			  update dead_letter set leased_until = $2, tries = tries + 1 where id in (select id from due)
			  returning id, topic, body, tries)
			select * from taken order by id`, now, now.Add(lease), limit, only)
		if err != nil {
			return err
		}
		claimed, err = pgx.CollectRows(rows, pgx.RowToStructByPos[claimedLetter])
		return err
	})
	return claimed, err
}

func (l *Letters) try(ctx context.Context, letter claimedLetter) (State, *string) {
	err := l.apply(ctx, letter)
	if err == nil {
		return Applied, nil
	}
	var poison *problem.Poison
	if errors.As(err, &poison) {
		l.Log.ErrorContext(ctx, "dead letter is poison", "topic", letter.Topic, "reason", poison.Reason)
		reason := []rune(poison.Reason)
		text := string(reason[:min(len(reason), 500)])
		return Poison, &text
	}
	text := activity.ErrorText(err) // any other fault may pass: the row keeps the reason and is retried
	return Waiting, &text
}

func (l *Letters) apply(ctx context.Context, letter claimedLetter) error {
	if !json.Valid([]byte(letter.Body)) {
		return &problem.Poison{Reason: "cannot be read: no JSON"}
	}
	for _, each := range l.Topics {
		if each.Topic() == letter.Topic {
			return each.Apply(ctx, []byte(letter.Body))
		}
	}
	return &problem.Poison{Reason: "no consumer of " + letter.Topic}
}

func (l *Letters) record(ctx context.Context, letter claimedLetter, state State, reason *string) error {
	now := l.Now()
	// Two tries at once, or a discard during one: an event that took effect is applied whatever the other says.
	open := []State{Waiting}
	var ended *time.Time
	if state == Applied {
		open = []State{Waiting, Poison, Discarded}
	}
	if state != Waiting {
		ended = &now
	}
	return l.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, `update dead_letter set state = $3, reason = $4, due_at = $5, ended_at = $6, leased_until = null
			where id = $1 and state = any($2)`, letter.ID, open, state, reason, now.Add(backoff.Pause(letter.Tries)), ended)
		return err
	})
}

// Measure sets the gauge of stuck letters by topic and state.
func (l *Letters) Measure(ctx context.Context) error {
	found := map[string]map[string]float64{}
	err := l.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		rows, err := q.Query(ctx, `select topic, state, count(*) from dead_letter where state in ('waiting', 'poison')
			group by topic, state`)
		if err != nil {
			return err
		}
		var topic, state string
		var count int64
		_, err = pgx.ForEachRow(rows, []any{&topic, &state, &count}, func() error {
			if found[topic] == nil {
				found[topic] = map[string]float64{}
			}
			found[topic][state] = float64(count)
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	for _, each := range l.Topics {
		for _, state := range []State{Waiting, Poison} {
			l.Metrics.DeadLetters.WithLabelValues(each.Topic(), string(state)).Set(found[each.Topic()][string(state)])
		}
	}
	return nil
}

// Forget deletes letters that were applied or discarded so many days ago, at most 5000.
func (l *Letters) Forget(ctx context.Context, keepDays int) error {
	return l.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, `delete from dead_letter where id in (select id from dead_letter
			where state in ('applied', 'discarded') and ended_at < $1 limit $2)`,
			l.Now().AddDate(0, 0, -keepDays), forgets)
		return err
	})
}
