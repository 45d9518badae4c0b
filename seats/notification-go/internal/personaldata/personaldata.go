// Package personaldata tells what this service holds of a person, takes it out, and forgets it by its age: which messages went
// out about their orders, and WeChat's words about them, which may name an openid.
package personaldata

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/activity"
	"github.com/minsu/minsu/seats/notification-go/internal/audit"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/security"
)

const (
	mostRows   = 1000 // of one kind in an export: the newest
	slice      = 500  // rows that one transaction forgets: it holds their locks for milliseconds
	mostSlices = 200  // in one run; the next day's goes on
	forgotten  = "messages"
)

// holding is what is held under the name What: a statement that reads it, and one that removes what is personal of it.
type holding struct {
	what  string
	read  string
	erase string
}

var holdings = []holding{
	{
		"messages",
		`select order_sn, kind, state, reason, attempts, sent_at, created_at from notification_task
		  where order_sn = any($1) order by id desc limit $2`,
		`update notification_task set reason = null where order_sn = any($1) and state <> 'pending' and reason is not null`,
	},
	{
		"message_attempts",
		`select t.order_sn, a.seq, a.outcome, a.detail, a.started_at from delivery_attempt a
		   join notification_task t on t.id = a.task_id where t.order_sn = any($1) order by a.id desc limit $2`,
		`update delivery_attempt set detail = null
		  where task_id in (select id from notification_task where order_sn = any($1)) and detail is not null`,
	},
}

// PersonalData is of this service, on its own tables.
type PersonalData struct {
	DB       *pg.Database
	Now      func() time.Time
	KeepDays int
	Log      *slog.Logger
	Metrics  *metrics.Metrics
	Security *security.Log
}

// CountFromZero makes the series.
func (p *PersonalData) CountFromZero() { p.Metrics.Forgotten.WithLabelValues(forgotten) }

// Export has rows by holding, newest first, at most 1000 of each.
func (p *PersonalData) Export(ctx context.Context, orderSns []string) (map[string][]map[string]any, error) {
	found := map[string][]map[string]any{}
	err := p.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		for _, each := range holdings {
			rows, err := q.Query(ctx, each.read, orderSns, mostRows)
			if err != nil {
				return err
			}
			maps, err := pgx.CollectRows(rows, pgx.RowToMap)
			if err != nil {
				return err
			}
			found[each.what] = make([]map[string]any, len(maps))
			for place, row := range maps {
				for name, value := range row {
					if moment, ok := value.(time.Time); ok {
						row[name] = activity.Time{Time: moment}
					}
				}
				found[each.what][place] = row
			}
		}
		return nil
	})
	return found, err
}

// Erase removes what is personal; amounts, numbers and dates stay. Recorded in the audit. Idempotent. Returns rows by holding.
func (p *PersonalData) Erase(
	ctx context.Context, operatorID, userID int64, orderSns []string, note string,
) (map[string]int64, error) {
	counts := map[string]int64{}
	subject := fmt.Sprintf("user:%d", userID)
	const act = "personal-data-erase"
	err := p.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var erased []string
		for _, each := range holdings {
			done, err := tx.Exec(ctx, each.erase, orderSns)
			if err != nil {
				return err
			}
			counts[each.what] = done.RowsAffected()
			if done.RowsAffected() > 0 {
				erased = append(erased, fmt.Sprintf("%d %s", done.RowsAffected(), each.what))
			}
		}
		if len(erased) == 0 {
			erased = []string{"nothing was left"}
		}
		why := fmt.Sprintf("%s (%s)", note, strings.Join(erased, ", "))
		return audit.Record(ctx, tx, p.Now(), operatorID, act, why, subject)
	})
	if err != nil {
		return nil, err
	}
	p.Security.Event(ctx, "personal_data_erased", "operator_id", operatorID, "act", act, "subject", subject)
	return counts, nil
}

const forget = `
with old as (
  select id from notification_task where created_at < $1 and state <> 'pending' order by created_at limit $2
     for update skip locked),
attempts as (delete from delivery_attempt where task_id in (select id from old)),
transitions as (delete from notification_transition where task_id in (select id from old))
delete from notification_task where id in (select id from old)`

// Forget is one run of the daily job: messages that have ended and are older than their time are deleted, in slices. Returns
// how many.
func (p *PersonalData) Forget(ctx context.Context) (int, error) {
	before, total := p.Now().AddDate(0, 0, -p.KeepDays), int64(0)
	for range mostSlices {
		var gone int64
		err := p.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
			done, err := q.Exec(ctx, forget, before, slice)
			gone = done.RowsAffected()
			return err
		})
		if err != nil {
			return int(total), err
		}
		p.Metrics.Forgotten.WithLabelValues(forgotten).Add(float64(gone))
		if total += gone; gone < slice {
			break
		}
	}
	if total > 0 {
		p.Log.InfoContext(ctx, "personal data is forgotten by its age", "what", forgotten, "rows", total)
	}
	return int(total), nil
}
