// Package delivery makes the attempts: it claims due tasks, reads their orders and openids, records the attempts, sends side
// by side, and records the outcomes. One bad order, openid or send harms no other task.
package delivery

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/store"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
)

const (
	// Lease is longer than each half of a batch: the preparation, and the sends, which run side by side, each with a renewal
	// of the access token (four requests of at most five seconds). The lease is renewed between the two.
	Lease = 30 * time.Second
	// aloneFor bounds writing tasks one by one: with it a batch still sends well within its lease.
	aloneFor = 5 * time.Second
	actor    = "notification"
)

// Attempts claims tasks, begins and records attempts. Safe on several replicas: a row's lock and version decide.
//
// A batch is one transaction and waits for no row. Every task of a batch that cannot be written is done alone, so that a bad
// one harms no other. So is the outcome of a task that another transaction has locked, which is waited for; before a send
// such a task is left alone, and due again when its lease ends.
type Attempts struct {
	DB      *pg.Database
	Now     func() time.Time
	Policy  task.Policy
	Reports *Reports
}

// Claim leases at most limit tasks that are due.
func (a *Attempts) Claim(ctx context.Context, order store.ClaimOrder, limit int) (claims []task.Claim, err error) {
	now := a.Now()
	err = a.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		claims, err = store.ClaimTasks(ctx, tx, order, now, now.Add(Lease), limit)
		return err
	})
	return claims, err
}

// Begin records an attempt for each claim, outcome unknown, before it is made. Returns the attempts' numbers by task id;
// without tasks that are no longer ours, have no attempt left, or could not be written.
func (a *Attempts) Begin(ctx context.Context, claims []task.Claim) map[int64]int32 {
	begun := map[int64]int32{}
	inOneOrEach(ctx, a, claims, func(c task.Claim) task.Claim { return c }, false,
		func(ctx context.Context, tx pgx.Tx, claims []task.Claim, locked map[int64]task.Task) (func(), error) {
			now := a.Now()
			var steps []store.Step
			for _, each := range claims {
				if before := locked[each.TaskID]; before.IsOurs(each.Version) {
					after, attempt := task.Begin(before, a.Policy, now, Lease)
					steps = append(steps, store.Step{Before: before, After: after, Attempt: attempt})
				}
			}
			return func() {
				for _, each := range steps {
					if each.Attempt != nil {
						begun[each.After.ID] = each.Attempt.Seq
					}
				}
				a.Reports.ended(ctx, steps)
			}, store.Write(ctx, tx, steps, actor, now)
		})
	return begun
}

// EndUnsent records tasks of which nothing was sent: as a failed attempt, or as ended.
func (a *Attempts) EndUnsent(ctx context.Context, unsent []task.Unsent) {
	inOneOrEach(ctx, a, unsent, func(u task.Unsent) task.Claim { return u.Claim }, false,
		func(ctx context.Context, tx pgx.Tx, unsent []task.Unsent, locked map[int64]task.Task) (func(), error) {
			now := a.Now()
			var steps []store.Step
			var ours []task.Unsent
			for _, each := range unsent {
				before := locked[each.Claim.TaskID]
				if !before.IsOurs(each.Claim.Version) {
					continue
				}
				ours = append(ours, each)
				step := store.Step{Before: before}
				if each.State == "" {
					step.After, step.Attempt = task.Failed(before, each.Verdict, a.Policy, now)
				} else {
					step.After = task.Move(before, each.State, now, each.Verdict.Detail, each.Verdict.Cause)
				}
				steps = append(steps, step)
			}
			return func() {
				a.Reports.unsent(ctx, ours)
				a.Reports.ended(ctx, steps)
			}, store.Write(ctx, tx, steps, actor, now)
		})
}

// Record writes outcomes. A delivery counts whatever happened to the task meanwhile; any other outcome changes the task only
// while it is still ours. Returns those that could not be written: the database or their task was not free.
func (a *Attempts) Record(ctx context.Context, sent []task.Delivered) []task.Delivered {
	return inOneOrEach(ctx, a, sent, func(d task.Delivered) task.Claim { return d.Claim }, true, a.record)
}

func (a *Attempts) record(
	ctx context.Context, tx pgx.Tx, sent []task.Delivered, locked map[int64]task.Task,
) (func(), error) {
	doubtful, err := a.doubtful(ctx, tx, sent)
	if err != nil {
		return nil, err
	}
	now := a.Now()
	attempts := make([]task.Attempt, len(sent))
	states := make([]task.State, len(sent))
	for place, each := range sent {
		outcome, state := task.Conclude(each.Verdict, doubtful[each.Claim.TaskID])
		states[place] = state
		attempts[place] = task.Attempt{
			TaskID: each.Claim.TaskID, Seq: each.Seq, Outcome: outcome, Errcode: each.Verdict.Errcode,
			Detail: each.Verdict.Detail, StartedAt: now, EndedAt: &now,
		}
	}
	known, err := store.EndAttempts(ctx, tx, attempts, now)
	if err != nil {
		return nil, err
	}
	var steps []store.Step
	var ends []end
	for place, each := range sent {
		if !known[each.Claim.TaskID] {
			continue
		}
		outcome, before := attempts[place].Outcome, locked[each.Claim.TaskID]
		ends = append(ends, end{each, outcome})
		after, changed := task.Ended(before, each.Claim.Version, outcome, states[place], each.Verdict, a.Policy, now)
		if changed {
			steps = append(steps, store.Step{Before: before, After: after})
		}
	}
	return func() {
		a.Reports.sent(ctx, ends)
		a.Reports.ended(ctx, steps)
	}, store.Write(ctx, tx, steps, actor, now)
}

func (a *Attempts) doubtful(ctx context.Context, tx pgx.Tx, sent []task.Delivered) (map[int64]bool, error) {
	var tasks []int64
	var seqs []int32
	for _, each := range sent {
		if each.Verdict.IsRefusal() {
			tasks, seqs = append(tasks, each.Claim.TaskID), append(seqs, each.Seq)
		}
	}
	if len(tasks) == 0 {
		return nil, nil
	}
	return store.Doubtful(ctx, tx, tasks, seqs)
}

// inOneOrEach writes all items in one transaction, and what it did not take one by one; wait: for rows that are locked, too.
// Returns what could not be written, and logs it: it is retried when its lease ends. work returns what follows the commit.
func inOneOrEach[E any](
	ctx context.Context, a *Attempts, items []E, claimOf func(E) task.Claim, wait bool,
	work func(context.Context, pgx.Tx, []E, map[int64]task.Task) (func(), error),
) []E {
	inOne := func(items []E, wait bool) ([]E, error) {
		var left []E
		var committed func()
		err := a.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
			ids := make([]int64, len(items))
			for place, each := range items {
				ids[place] = claimOf(each).TaskID
			}
			locked, err := store.LockTasks(ctx, tx, ids, wait)
			if err != nil {
				return err
			}
			var taken []E
			left = nil
			for _, each := range items {
				if _, ok := locked[claimOf(each).TaskID]; ok {
					taken = append(taken, each)
				} else { // another transaction has it, or it is no more
					left = append(left, each)
				}
			}
			if committed, err = work(ctx, tx, taken, locked); err != nil {
				return err
			}
			return nil
		})
		if err == nil {
			committed()
		}
		return left, err
	}

	alone, began := items, time.Now()
	if len(items) > 1 {
		left, err := inOne(items, false)
		switch {
		case problem.IsUnavailable(err):
			a.Reports.unwritten(ctx, len(items), err)
			return items
		case err != nil: // one of them is at fault: each alone shows which
			a.Reports.oneByOne(ctx, len(items), err)
		default:
			alone = left
		}
	}
	var unwritten []E
	for _, each := range alone {
		if time.Since(began) > aloneFor {
			unwritten = append(unwritten, each)
			continue
		}
		_, err := inOne([]E{each}, wait || len(items) == 1)
		switch {
		case problem.IsUnavailable(err):
			a.Reports.unwritten(ctx, 1, err)
			unwritten = append(unwritten, each)
		case err != nil:
			a.Reports.unwritable(ctx, claimOf(each), err)
		}
	}
	return unwritten
}
