package httpapi

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/minsu/minsu/seats/notification-go/internal/activity"
	"github.com/minsu/minsu/seats/notification-go/internal/operate"
	"github.com/minsu/minsu/seats/notification-go/internal/store"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
)

type shownTask struct {
	ID            int64          `json:"id"`
	OrderSn       string         `json:"orderSn"`
	Kind          string         `json:"kind"`
	State         task.State     `json:"state"`
	Reason        *string        `json:"reason"`
	Cause         *string        `json:"cause"`
	Attempts      int32          `json:"attempts"`
	NextAttemptAt *activity.Time `json:"nextAttemptAt"`
	SentAt        *activity.Time `json:"sentAt"`
	CreatedAt     activity.Time  `json:"createdAt"`
	UpdatedAt     activity.Time  `json:"updatedAt"`
	Version       int32          `json:"version"`
}

func showTask(row store.Row) shownTask {
	shown := shownTask{
		row.ID, row.OrderSn, row.Kind, row.State, row.Reason, row.Cause, row.Attempts, nil,
		activity.TimeOrNil(row.SentAt), activity.Time{Time: row.CreatedAt}, activity.Time{Time: row.UpdatedAt}, row.Version,
	}
	if row.State == task.Pending {
		shown.NextAttemptAt = &activity.Time{Time: row.DueAt}
	}
	return shown
}

func showTasks(rows []store.Row) []shownTask {
	shown := make([]shownTask, len(rows))
	for place, each := range rows {
		shown[place] = showTask(each)
	}
	return shown
}

type shownAttempt struct {
	Seq       int32          `json:"seq"`
	Outcome   string         `json:"outcome"`
	Errcode   *int32         `json:"errcode"`
	Detail    *string        `json:"detail"`
	StartedAt activity.Time  `json:"startedAt"`
	EndedAt   *activity.Time `json:"endedAt"`
}

type shownTransition struct {
	FromState string        `json:"fromState"`
	ToState   string        `json:"toState"`
	Reason    string        `json:"reason"`
	Actor     string        `json:"actor"`
	CreatedAt activity.Time `json:"createdAt"`
}

type taskDetail struct {
	Task        shownTask         `json:"task"`
	Attempts    []shownAttempt    `json:"attempts"`
	Transitions []shownTransition `json:"transitions"`
}

var resendable = []task.State{task.Refused, task.Invalid, task.Dead}

func (o *operators) addTasks(tasks *operate.Tasks) {
	o.handle("taskList", func(ctx context.Context, f *form, _ int64) (any, error) {
		lastID, size, selection := f.lastID(), f.pageSize(), f.selection(task.States, true)
		if err := f.err(); err != nil {
			return nil, err
		}
		rows, err := tasks.List(ctx, selection, lastID, size)
		return map[string]any{"list": showTasks(rows)}, err
	})
	o.handle("taskDetail", func(ctx context.Context, f *form, _ int64) (any, error) {
		id := f.id("id")
		if err := f.err(); err != nil {
			return nil, err
		}
		found, err := tasks.Task(ctx, id)
		if err != nil {
			return nil, err
		}
		return detailOf(found), nil
	})
	o.handle("taskResend", func(ctx context.Context, f *form, operatorID int64) (any, error) {
		id, note := f.id("id"), f.note()
		if err := f.err(); err != nil {
			return nil, err
		}
		row, err := tasks.Resend(ctx, id, operatorID, note)
		return showTask(row), err
	})
	o.handle("taskResendAll", func(ctx context.Context, f *form, operatorID int64) (any, error) {
		selection, note := f.selection(resendable, false), f.note()
		if err := f.err(); err != nil {
			return nil, err
		}
		resent, left, err := tasks.ResendAll(ctx, selection, operatorID, note)
		return map[string]int{"resent": resent, "left": left}, err
	})
	o.handle("messageSteps", func(ctx context.Context, f *form, _ int64) (any, error) {
		sn := f.matching("orderSn", false, anySn)
		if err := f.err(); err != nil {
			return nil, err
		}
		found, err := tasks.OfOrder(ctx, sn)
		return map[string]any{"tasks": showTasks(found.Tasks), "steps": stepsOf(found)}, err
	})
}

func (f *form) selection(states []task.State, anyState bool) store.Selection {
	return store.Selection{
		State: oneOf(f, "state", anyState, states), Cause: f.cause(), Kind: oneOf(f, "kind", true, task.Kinds),
	}
}

func (f *form) cause() string { return f.text("cause", true, 1, 32) }

func detailOf(h operate.History) taskDetail {
	detail := taskDetail{showTask(h.Tasks[0]), []shownAttempt{}, []shownTransition{}}
	for _, a := range h.Attempts {
		detail.Attempts = append(detail.Attempts, shownAttempt{
			a.Seq, a.Outcome, a.Errcode, a.Detail, activity.Time{Time: a.StartedAt}, activity.TimeOrNil(a.EndedAt),
		})
	}
	for _, t := range h.Transitions {
		detail.Transitions = append(detail.Transitions, shownTransition{
			t.From, t.To, t.Reason, t.Actor, activity.Time{Time: t.CreatedAt},
		})
	}
	return detail
}

// step is one thing that happened, in the shape that all services give operators.
type step struct {
	At     activity.Time `json:"at"`
	What   string        `json:"what"`
	Number string        `json:"number"`
	Before *string       `json:"before"`
	After  *string       `json:"after"`
	Source *string       `json:"source"`
	Detail *string       `json:"detail"`
	Fen    *int64        `json:"fen"`
}

// stepsOf are oldest first; what has one time stays in the given order.
func stepsOf(h operate.History) []step {
	numbers, steps := map[int64]string{}, []step{}
	for _, t := range h.Tasks {
		numbers[t.ID] = fmt.Sprintf("%s:%d", t.Kind, t.ID)
		steps = append(steps, step{At: activity.Time{Time: t.CreatedAt}, What: "message_planned", Number: numbers[t.ID]})
	}
	for _, a := range h.Attempts {
		steps = append(steps, attemptStep(numbers[a.TaskID], a))
	}
	for _, t := range h.Transitions {
		steps = append(steps, step{
			At: activity.Time{Time: t.CreatedAt}, What: "message_state", Number: numbers[t.TaskID],
			Before: &t.From, After: &t.To, Source: &t.Actor, Detail: &t.Reason,
		})
	}
	for _, a := range h.Acts {
		source := fmt.Sprintf("operator:%d", a.OperatorID)
		steps = append(steps, step{
			At: activity.Time{Time: a.ActedAt}, What: "act", Number: a.Subject, After: &a.Act, Source: &source, Detail: a.Note,
		})
	}
	slices.SortStableFunc(steps, func(a, b step) int { return a.At.Compare(b.At.Time) })
	return steps
}

// attemptStep is at the time of WeChat's response; of one that is under way or was interrupted, when it began.
func attemptStep(number string, a store.AttemptRow) step {
	made := step{At: activity.Time{Time: a.StartedAt}, What: "message_tried", Number: number, After: &a.Outcome}
	if a.EndedAt != nil {
		made.At.Time = *a.EndedAt
	}
	source := fmt.Sprintf("attempt:%d", a.Seq)
	made.Source = &source
	var detail []string
	if a.Errcode != nil && *a.Errcode != 0 {
		detail = append(detail, fmt.Sprint(*a.Errcode))
	}
	if a.Detail != nil {
		detail = append(detail, *a.Detail)
	}
	if text := strings.TrimSpace(strings.Join(detail, " ")); text != "" {
		made.Detail = &text
	}
	return made
}
