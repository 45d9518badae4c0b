// Package operate has the operators' use-cases on messages: list them with their attempts, and resend those that ended without
// delivery.
package operate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/audit"
	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/store"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
)

// mostAtOnce is how many tasks one request resends, so that its transaction stays short.
const mostAtOnce = 500

// Tasks are the use-cases. Wake is called after a commit that makes a task due.
type Tasks struct {
	DB          *pg.Database
	Now         func() time.Time
	GiveUpAfter time.Duration
	Wake        func()
}

// List has messages with an id below lastID (0: no bound), newest first.
func (t *Tasks) List(ctx context.Context, s store.Selection, lastID int64, limit int) (rows []store.Row, err error) {
	err = t.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		rows, err = store.NewestTasks(ctx, q, s, lastID, limit)
		return err
	})
	return rows, err
}

// History is what became of one message or of those about an order.
type History struct {
	Tasks       []store.Row
	Attempts    []store.AttemptRow
	Transitions []store.TransitionRow
	Acts        []audit.Act
}

// Task has one message. TaskNotFound.
func (t *Tasks) Task(ctx context.Context, id int64) (h History, err error) {
	err = t.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		row, found, err := store.TaskRow(ctx, q, id)
		if err != nil {
			return err
		}
		if !found {
			return notFound(id)
		}
		h.Tasks = []store.Row{row}
		return h.read(ctx, q, id)
	})
	return h, err
}

// OfOrder has the messages about an order, oldest first.
func (t *Tasks) OfOrder(ctx context.Context, orderSn string) (h History, err error) {
	var subjects []string
	err = t.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		if h.Tasks, err = store.TasksOfOrder(ctx, q, orderSn); err != nil {
			return err
		}
		var ids []int64
		for _, each := range h.Tasks {
			ids, subjects = append(ids, each.ID), append(subjects, subject(each.ID))
		}
		return h.read(ctx, q, ids...)
	})
	if err != nil || len(subjects) == 0 {
		return h, err
	}
	h.Acts, err = audit.OfSubjects(ctx, t.DB, subjects)
	return h, err
}

func (h *History) read(ctx context.Context, q pg.Querier, ids ...int64) (err error) {
	if h.Attempts, err = store.AttemptsOf(ctx, q, ids...); err != nil {
		return err
	}
	h.Transitions, err = store.TransitionsOf(ctx, q, ids...)
	return err
}

// Resend makes an ended message due again, with all its tries; its history stays. TaskNotFound, TaskNotResendable.
func (t *Tasks) Resend(ctx context.Context, id, operatorID int64, note string) (row store.Row, err error) {
	now := t.Now()
	err = t.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		before, found, err := store.LockTask(ctx, tx, id)
		if err != nil {
			return err
		}
		if !found {
			return notFound(id)
		}
		if !task.MayMove(before.State, task.Pending) {
			return problem.New(problem.TaskNotResendable, "the task is %s", before.State)
		}
		if err := store.Write(ctx, tx, []store.Step{t.anew(before, now)}, actor(operatorID), now); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, now, operatorID, "resend", note, subject(id)); err != nil {
			return err
		}
		row, _, err = store.TaskRow(ctx, tx, id)
		return err
	})
	if err == nil {
		t.Wake()
	}
	return row, err
}

// ResendAll is Resend for those selected, oldest first, at most 500. Returns how many, and how many are left.
func (t *Tasks) ResendAll(
	ctx context.Context, s store.Selection, operatorID int64, note string,
) (resent, left int, err error) {
	now := t.Now()
	err = t.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		locked, err := store.LockSelected(ctx, tx, s, mostAtOnce)
		if err != nil || len(locked) == 0 {
			return err
		}
		steps := make([]store.Step, len(locked))
		for place, each := range locked {
			steps[place] = t.anew(each, now)
		}
		resent = len(steps)
		if err := store.Write(ctx, tx, steps, actor(operatorID), now); err != nil {
			return err
		}
		why := fmt.Sprintf("%d messages: %s", resent, note)
		return audit.Record(ctx, tx, now, operatorID, "resend", why, selectionName(s))
	})
	if err != nil {
		return 0, 0, err
	}
	t.Wake()
	err = t.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		left, err = store.CountTasks(ctx, q, s)
		return err
	})
	return resent, left, err
}

func (t *Tasks) anew(before task.Task, now time.Time) store.Step {
	after := task.Move(before, task.Pending, now, "resend requested", "")
	after.Tries, after.DueAt, after.GiveUpAt = 0, now, now.Add(t.GiveUpAfter)
	return store.Step{Before: before, After: after}
}

func selectionName(s store.Selection) string {
	parts := []string{"tasks"}
	for _, each := range []string{string(s.State), s.Cause, string(s.Kind)} {
		if each != "" {
			parts = append(parts, each)
		}
	}
	return strings.Join(parts, ":")
}

func notFound(id int64) error { return problem.New(problem.TaskNotFound, "no task %d", id) }

func actor(operatorID int64) string { return fmt.Sprintf("operator:%d", operatorID) }

func subject(id int64) string { return fmt.Sprintf("task:%d", id) }
