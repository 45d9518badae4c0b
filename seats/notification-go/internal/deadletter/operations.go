package deadletter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/audit"
	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
)

const (
	replayFor    = 5 * time.Second // an operator's request retries letters; cron retries the rest
	mostReplayed = 5000
)

// States are all states of a letter.
var States = []State{Waiting, Applied, Poison, Discarded}

// Letter is a row of dead_letter.
type Letter struct {
	ID          int64
	Topic       string
	Source      string
	EventID     string
	Body        string
	State       State
	Reason      *string
	Note        *string
	Tries       int32
	ReceivedAt  time.Time
	DueAt       time.Time
	LeasedUntil *time.Time
	EndedAt     *time.Time
}

const selectLetter = `select id, topic, source, event_id, body, state, reason, note, tries, received_at, due_at,
       leased_until, ended_at from dead_letter `

// Page has letters with an id below lastID (0: no bound), newest first; an empty state matches any, an empty number too: else
// those whose text holds it.
func (l *Letters) Page(
	ctx context.Context, lastID int64, limit int, state State, number string,
) (found []Letter, err error) {
	err = l.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		rows, err := q.Query(ctx, selectLetter+`where ($1::bigint = 0 or id < $1) and ($2 = '' or state = $2)
			and ($4::text = '' or strpos(body, $4) > 0) order by id desc limit $3`, lastID, string(state), limit, number)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Letter])
		return err
	})
	return found, err
}

// Letter has one letter and the operators' acts on it. DeadLetterNotFound.
func (l *Letters) Letter(ctx context.Context, id int64) (found Letter, acts []audit.Act, err error) {
	err = l.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		found, err = letter(ctx, q, id, "")
		return err
	})
	if err != nil {
		return Letter{}, nil, err
	}
	acts, err = audit.OfSubjects(ctx, l.DB, []string{subject(id)})
	return found, acts, err
}

// Replay tries one letter now. An applied one stays as it is. DeadLetterNotFound, DeadLetterEnded (discarded).
func (l *Letters) Replay(ctx context.Context, operatorID, id int64, note string) (found Letter, err error) {
	now, done := l.Now(), false
	err = l.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if found, err = letter(ctx, tx, id, "for update"); err != nil {
			return err
		}
		switch found.State {
		case Discarded:
			why := ""
			if found.Note != nil {
				why = *found.Note
			}
			return problem.New(problem.DeadLetterEnded, "letter %d was discarded: %s", id, why)
		case Applied:
			done = true
			return nil
		}
		if err := audit.Record(ctx, tx, now, operatorID, "replay", note, subject(id)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, makeDue+"where id = $2", now, id)
		return err
	})
	if err != nil || done {
		return found, err
	}
	if _, err := l.reapply(ctx, atOnce, &id); err != nil {
		return Letter{}, err
	}
	found, _, err = l.Letter(ctx, id)
	return found, err
}

// makeDue: at once, even while a try is under way.
const makeDue = "update dead_letter set state = 'waiting', due_at = $1, ended_at = null, leased_until = null "

// ReplayAll makes every letter that is stuck due (the oldest 5000), and tries them for a few seconds; cron tries the rest.
// Returns the number made due, and the number of those tried by resulting state.
func (l *Letters) ReplayAll(ctx context.Context, operatorID int64, note string) (stuck int, counts Counts, err error) {
	now := l.Now()
	err = l.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `with due as (`+makeDue+`where id in (select id from dead_letter
			where state in ('waiting', 'poison') order by id limit $2) returning id) select id from due order by id`,
			now, mostReplayed)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		stuck = len(ids)
		subjects := make([]string, len(ids))
		for place, id := range ids {
			subjects[place] = subject(id)
		}
		return audit.Record(ctx, tx, now, operatorID, "replay", note, subjects...)
	})
	counts = Counts{}
	for ends := time.Now().Add(replayFor); err == nil && time.Now().Before(ends); {
		var tried Counts
		if tried, err = l.reapply(ctx, 1, nil); tried.Total() == 0 {
			break
		}
		for state, count := range tried {
			counts[state] += count
		}
	}
	return stuck, counts, err
}

// Discard gives a letter up, with the reason. DeadLetterNotFound, DeadLetterEnded (applied, discarded before).
func (l *Letters) Discard(ctx context.Context, operatorID, id int64, note string) (found Letter, err error) {
	now := l.Now()
	err = l.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if found, err = letter(ctx, tx, id, "for update"); err != nil {
			return err
		}
		if found.State != Waiting && found.State != Poison {
			return problem.New(problem.DeadLetterEnded, "letter %d is %s", id, found.State)
		}
		_, err := tx.Exec(ctx, `update dead_letter set state = 'discarded', note = $2, ended_at = $3, leased_until = null
			where id = $1`, id, note, now)
		if err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, now, operatorID, "discard", note, subject(id)); err != nil {
			return err
		}
		found, err = letter(ctx, tx, id, "")
		return err
	})
	return found, err
}

// EventKey is what an event is known by.
type EventKey struct{ Source, ID string }

// Effect is an event that took effect here.
type Effect struct {
	Source     string
	EventID    string
	ReceivedAt time.Time
}

// Received are those of the events that took effect here, and those that are or were dead letters here.
func (l *Letters) Received(ctx context.Context, events []EventKey) (effects []Effect, letters []Letter, err error) {
	var sources, ids []string
	for _, each := range events {
		sources, ids = append(sources, each.Source), append(ids, each.ID)
	}
	const among = `where (source, event_id) in (select * from unnest($1::text[], $2::text[]))`
	err = l.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		rows, err := q.Query(ctx, "select source, event_id, received_at from inbox "+among, sources, ids)
		if err != nil {
			return err
		}
		if effects, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Effect]); err != nil {
			return err
		}
		if rows, err = q.Query(ctx, selectLetter+among, sources, ids); err != nil {
			return err
		}
		letters, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Letter])
		return err
	})
	return effects, letters, err
}

// Stuck is the number of letters by state, of those that are not done with.
func (l *Letters) Stuck(ctx context.Context) (waiting, poison int, err error) {
	err = l.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		return q.QueryRow(ctx, `select count(*) filter (where state = 'waiting'), count(*) filter (where state = 'poison')
			from dead_letter where state in ('waiting', 'poison')`).Scan(&waiting, &poison)
	})
	return waiting, poison, err
}

func letter(ctx context.Context, q pg.Querier, id int64, lock string) (Letter, error) {
	rows, err := q.Query(ctx, selectLetter+"where id = $1 "+lock, id)
	if err != nil {
		return Letter{}, err
	}
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Letter])
	if errors.Is(err, pgx.ErrNoRows) {
		return Letter{}, problem.New(problem.DeadLetterNotFound, "letter %d", id)
	}
	return found, err
}

func subject(id int64) string { return fmt.Sprintf("dead-letter:%d", id) }
