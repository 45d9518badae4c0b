package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
)

// Row is a whole row of notification_task, as operators see it.
type Row struct {
	ID        int64
	OrderSn   string
	Kind      string
	State     task.State
	Reason    *string
	Cause     *string
	Attempts  int32
	DueAt     time.Time
	SentAt    *time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int32
}

const selectRow = `select id, order_sn, kind, state, reason, cause, attempts, due_at, sent_at, created_at, updated_at,
       version from notification_task `

// Selection is a filter of tasks; empty members match any.
type Selection struct {
	State task.State
	Cause string
	Kind  task.Kind
}

const selected = "($1 = '' or state = $1) and ($2 = '' or cause = $2) and ($3 = '' or kind = $3) "

func (s Selection) args(more ...any) []any {
	return append([]any{string(s.State), s.Cause, string(s.Kind)}, more...)
}

// NewestTasks have an id below lastID (0: no bound), newest first.
func NewestTasks(ctx context.Context, q pg.Querier, s Selection, lastID int64, limit int) ([]Row, error) {
	return all[Row](q.Query(ctx, selectRow+"where "+selected+"and ($4::bigint = 0 or id < $4) order by id desc limit $5",
		s.args(lastID, limit)...))
}

// TaskRow is one task; found is false where there is none.
func TaskRow(ctx context.Context, q pg.Querier, id int64) (row Row, found bool, err error) {
	rows, err := all[Row](q.Query(ctx, selectRow+"where id = $1", id))
	if err != nil || len(rows) == 0 {
		return Row{}, false, err
	}
	return rows[0], true, nil
}

// TasksOfOrder are oldest first.
func TasksOfOrder(ctx context.Context, q pg.Querier, orderSn string) ([]Row, error) {
	return all[Row](q.Query(ctx, selectRow+"where order_sn = $1 order by id", orderSn))
}

// AttemptRow is a row of delivery_attempt.
type AttemptRow struct {
	TaskID    int64
	Seq       int32
	Outcome   string
	Errcode   *int32
	Detail    *string
	StartedAt time.Time
	EndedAt   *time.Time
}

// AttemptsOf are the attempts of these tasks, oldest first.
func AttemptsOf(ctx context.Context, q pg.Querier, taskIDs ...int64) ([]AttemptRow, error) {
	return all[AttemptRow](q.Query(ctx, `select task_id, seq, outcome, errcode, detail, started_at, ended_at
		from delivery_attempt where task_id = any($1) order by id`, taskIDs))
}

// TransitionRow is a row of notification_transition.
type TransitionRow struct {
	TaskID    int64
	From      string
	To        string
	Reason    string
	Actor     string
	CreatedAt time.Time
}

// TransitionsOf are the changes of these tasks, oldest first.
func TransitionsOf(ctx context.Context, q pg.Querier, taskIDs ...int64) ([]TransitionRow, error) {
	return all[TransitionRow](q.Query(ctx, `select task_id, from_state, to_state, reason, actor, created_at
		from notification_transition where task_id = any($1) order by id`, taskIDs))
}

// LockTask locks one task and waits for it; found is false where there is none.
func LockTask(ctx context.Context, tx pgx.Tx, id int64) (found task.Task, ok bool, err error) {
	locked, err := LockTasks(ctx, tx, []int64{id}, true)
	found, ok = locked[id]
	return found, ok, err
}

// LockSelected locks the oldest selected tasks, without those that another transaction has locked.
func LockSelected(ctx context.Context, tx pgx.Tx, s Selection, limit int) ([]task.Task, error) {
	rows, err := tx.Query(ctx, selectTask+" where "+selected+"order by id limit $4 for update skip locked", s.args(limit)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanTask)
}

// CountTasks is how many are selected.
func CountTasks(ctx context.Context, q pg.Querier, s Selection) (count int, err error) {
	err = q.QueryRow(ctx, "select count(*) from notification_task where "+selected, s.args()...).Scan(&count)
	return count, err
}

func all[T any](rows pgx.Rows, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return found, err
}
