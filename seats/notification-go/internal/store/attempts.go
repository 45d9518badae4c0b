package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
)

const selectTask = `select id, order_sn, kind, state, version, attempts, tries, reason, cause, give_up_at, due_at,
       leased_until, sent_at from notification_task`

func scanTask(row pgx.CollectableRow) (t task.Task, err error) {
	err = row.Scan(&t.ID, &t.OrderSn, &t.Kind, &t.State, &t.Version, &t.Attempts, &t.Tries, &t.Reason, &t.Cause,
		&t.GiveUpAt, &t.DueAt, &t.LeasedUntil, &t.SentAt)
	return t, err
}

// LockTasks locks tasks in the order of their ids; those that another transaction has locked are left out unless wait.
func LockTasks(ctx context.Context, tx pgx.Tx, ids []int64, wait bool) (map[int64]task.Task, error) {
	query := selectTask + " where id = any($1) order by id for update"
	if !wait {
		query += " skip locked"
	}
	rows, err := tx.Query(ctx, query, ids)
	if err != nil {
		return nil, err
	}
	locked, err := pgx.CollectRows(rows, scanTask)
	found := make(map[int64]task.Task, len(locked))
	for _, each := range locked {
		found[each.ID] = each
	}
	return found, err
}

// Step is a locked task, the task as it is written, and the attempt that is added to it, if any.
type Step struct {
	Before  task.Task
	After   task.Task
	Attempt *task.Attempt
}

const write = `
with v as (
  select * from unnest($1::bigint[], $2::text[], $3::int[], $4::int[], $5::int[], $6::text[], $7::text[],
                       $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::timestamptz[])
    as v(id, state, version, attempts, tries, reason, cause, due_at, leased_until, sent_at, from_state, give_up_at)),
moved as (
  insert into notification_transition (task_id, seq, from_state, to_state, reason, actor, created_at)
  select id, version, from_state, state, reason, $13::text, $14::timestamptz from v where from_state <> state),
begun as (
  insert into delivery_attempt (task_id, seq, outcome, errcode, detail, started_at, ended_at)
  select * from unnest($15::bigint[], $16::int[], $17::text[], $18::int[], $19::text[], $20::timestamptz[],
                       $21::timestamptz[]))
update notification_task t
   set state = v.state, version = v.version, attempts = v.attempts, tries = v.tries, reason = v.reason, cause = v.cause,
       due_at = v.due_at, leased_until = v.leased_until, sent_at = v.sent_at, give_up_at = v.give_up_at,
       updated_at = $14::timestamptz
  from v where t.id = v.id`

// Write stores locked tasks, a transition for each whose state has changed, and new attempts, in one statement.
func Write(ctx context.Context, tx pgx.Tx, steps []Step, actor string, now time.Time) error {
	if len(steps) == 0 {
		return nil
	}
	var t taskColumns
	var a attemptColumns
	for _, each := range steps {
		t.add(each.Before, each.After)
		if each.Attempt != nil {
			a.add(*each.Attempt)
		}
	}
	_, err := tx.Exec(ctx, write, t.id, t.state, t.version, t.attempts, t.tries, t.reason, t.cause, t.due, t.leased,
		t.sent, t.from, t.giveUp, actor, now, a.task, a.seq, a.outcome, a.errcode, a.detail, a.started, a.ended)
	return err
}

const endAttempts = `
update delivery_attempt a set outcome = v.outcome, errcode = v.errcode, detail = v.detail, ended_at = $6::timestamptz
  from unnest($1::bigint[], $2::int[], $3::text[], $4::int[], $5::text[]) as v(task_id, seq, outcome, errcode, detail)
 where a.task_id = v.task_id and a.seq = v.seq returning a.task_id`

// EndAttempts writes the outcomes of attempts that were begun. Returns the ids of their tasks.
func EndAttempts(ctx context.Context, tx pgx.Tx, attempts []task.Attempt, now time.Time) (map[int64]bool, error) {
	var a attemptColumns
	for _, each := range attempts {
		a.add(each)
	}
	return ids(tx.Query(ctx, endAttempts, a.task, a.seq, a.outcome, a.errcode, a.detail, now))
}

const doubtful = `
select distinct a.task_id from delivery_attempt a join unnest($1::bigint[], $2::int[]) as v(task_id, seq)
    on a.task_id = v.task_id and a.seq < v.seq where a.outcome = 'unknown'`

// Doubtful are the ids of those tasks, given with the number of an attempt, of which an earlier attempt has an unknown outcome.
func Doubtful(ctx context.Context, q pg.Querier, tasks []int64, seqs []int32) (map[int64]bool, error) {
	return ids(q.Query(ctx, doubtful, tasks, seqs))
}

func ids(rows pgx.Rows, err error) (map[int64]bool, error) {
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	found := make(map[int64]bool, len(all))
	for _, id := range all {
		found[id] = true
	}
	return found, err
}

// taskColumns and attemptColumns are the rows as an array for each column.
type taskColumns struct {
	id                       []int64
	state, from              []string
	version, attempts, tries []int32
	reason, cause            []*string
	due, giveUp              []time.Time
	leased, sent             []*time.Time
}

func (c *taskColumns) add(before, after task.Task) {
	c.id, c.state, c.from = append(c.id, after.ID), append(c.state, string(after.State)), append(c.from, string(before.State))
	c.version, c.attempts, c.tries = append(c.version, after.Version), append(c.attempts, after.Attempts), append(c.tries, after.Tries)
	c.reason, c.cause = append(c.reason, after.Reason), append(c.cause, after.Cause)
	c.due, c.giveUp = append(c.due, after.DueAt), append(c.giveUp, after.GiveUpAt)
	c.leased, c.sent = append(c.leased, after.LeasedUntil), append(c.sent, after.SentAt)
}

type attemptColumns struct {
	task    []int64
	seq     []int32
	outcome []string
	errcode []*int32
	detail  []string
	started []time.Time
	ended   []*time.Time
}

func (c *attemptColumns) add(a task.Attempt) {
	c.task, c.seq, c.outcome = append(c.task, a.TaskID), append(c.seq, a.Seq), append(c.outcome, string(a.Outcome))
	c.errcode, c.detail = append(c.errcode, a.Errcode), append(c.detail, a.Detail)
	c.started, c.ended = append(c.started, a.StartedAt), append(c.ended, a.EndedAt)
}
