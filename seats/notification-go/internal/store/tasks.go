// Package store holds every query on messages. Its functions use the caller's transaction and never end it.
package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

// NewTask is a message to plan: one per order, kind and subject.
type NewTask struct {
	OrderSn string
	Kind    task.Kind
	Subject string
	Facts   json.RawMessage
	Trace   tracing.Context
}

const addTasks = `
insert into notification_task
  (order_sn, kind, subject, facts, traceparent, tracestate, due_at, give_up_at, created_at, updated_at)
select order_sn, kind, subject, facts::jsonb, traceparent, tracestate,
       $7::timestamptz, $8::timestamptz, $7::timestamptz, $7::timestamptz
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
  with ordinality as v(order_sn, kind, subject, facts, traceparent, tracestate, place)
 order by place on conflict do nothing`

// AddTasks inserts tasks; existing ones stay as they are. Returns how many are new.
func AddTasks(ctx context.Context, q pg.Querier, tasks []NewTask, now, giveUpAt time.Time) (int, error) {
	if len(tasks) == 0 {
		return 0, nil
	}
	// Two transactions that share some wait in one direction.
	slices.SortStableFunc(tasks, func(a, b NewTask) int { return strings.Compare(a.OrderSn, b.OrderSn) })
	var sns, kinds, subjects []string
	var facts, parents, states []*string
	for _, each := range tasks {
		sns, kinds, subjects = append(sns, each.OrderSn), append(kinds, string(each.Kind)), append(subjects, each.Subject)
		facts = append(facts, orNull(string(each.Facts)))
		parents = append(parents, orNull(each.Trace.Traceparent))
		states = append(states, orNull(each.Trace.Tracestate))
	}
	done, err := q.Exec(ctx, addTasks, sns, kinds, subjects, facts, parents, states, now, giveUpAt)
	return int(done.RowsAffected()), err
}

// OrdersWithPending are those of the orders that have a pending message of one of the kinds.
func OrdersWithPending(ctx context.Context, q pg.Querier, orderSns []string, kinds []task.Kind) (map[string]bool, error) {
	rows, err := q.Query(ctx, `select distinct order_sn from notification_task
		where order_sn = any($1) and kind = any($2) and state = 'pending'`, orderSns, kinds)
	if err != nil {
		return nil, err
	}
	sns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	found := map[string]bool{}
	for _, sn := range sns {
		found[sn] = true
	}
	return found, err
}

// Cancel ends the order's pending messages of these kinds. Returns what was cancelled.
func Cancel(
	ctx context.Context, tx pgx.Tx, orderSn string, kinds []task.Kind, reason, actor string, now time.Time,
) error {
	rows, err := tx.Query(ctx, selectTask+` where order_sn = $1 and kind = any($2) and state = 'pending'
		order by id for update`, orderSn, kinds)
	if err != nil {
		return err
	}
	before, err := pgx.CollectRows(rows, scanTask)
	if err != nil || len(before) == 0 {
		return err
	}
	var steps []Step
	for _, each := range before {
		steps = append(steps, Step{Before: each, After: task.Move(each, task.Cancelled, now, reason, "")})
	}
	return Write(ctx, tx, steps, actor, now)
}

// ClaimOrder says which of the due tasks are claimed first.
type ClaimOrder int

const (
	// Fresh: without an attempt, newest first. A new purchase does not wait behind older messages.
	Fresh ClaimOrder = iota
	// LongestDue: all, the longest due first. Retries, and new ones that newer ones overtook.
	LongestDue
)

// Locked once and for all: a plain subquery may be run again for each row.
const claimTasks = `
with due as (
  select id from notification_task
   where state = 'pending' and kind = any($1) and due_at <= $2 and (leased_until is null or leased_until <= $2) %s
   limit $4 for update skip locked)
update notification_task set leased_until = $3, updated_at = $2, version = version + 1
 where id in (select id from due)
returning id, order_sn, kind, version, coalesce(traceparent, ''), coalesce(tracestate, ''), facts`

// ClaimTasks leases due tasks until the given time; concurrent claims get other rows. Kinds that only a newer version of
// this service knows are left to it.
func ClaimTasks(
	ctx context.Context, q pg.Querier, order ClaimOrder, now, until time.Time, limit int,
) ([]task.Claim, error) {
	first := "order by due_at, id"
	if order == Fresh {
		first = "and attempts = 0 order by id desc"
	}
	rows, err := q.Query(ctx, fmt.Sprintf(claimTasks, first), task.Kinds, now, until, limit)
	if err != nil {
		return nil, err
	}
	claims, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c task.Claim, err error) {
		var facts []byte
		err = row.Scan(&c.TaskID, &c.OrderSn, &c.Kind, &c.Version, &c.Trace.Traceparent, &c.Trace.Tracestate, &facts)
		c.Facts = facts
		return c, err
	})
	slices.SortFunc(claims, func(a, b task.Claim) int { return int(a.TaskID - b.TaskID) })
	return claims, err
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
