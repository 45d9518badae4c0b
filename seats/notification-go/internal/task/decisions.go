package task

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

// Task has the columns of a notification_task that an attempt reads or changes. The row is locked in this transaction.
type Task struct {
	ID          int64
	OrderSn     string
	Kind        Kind
	State       State
	Version     int32
	Attempts    int32
	Tries       int32
	Reason      *string
	Cause       *string
	GiveUpAt    time.Time
	DueAt       time.Time
	LeasedUntil *time.Time
	SentAt      *time.Time
}

// IsOurs tells whether a claim of this version still holds the task.
func (t Task) IsOurs(version int32) bool { return t.State == Pending && t.Version == version }

// Attempt is a row of delivery_attempt.
type Attempt struct {
	TaskID    int64
	Seq       int32
	Outcome   Outcome
	Errcode   *int32
	Detail    string
	StartedAt time.Time
	EndedAt   *time.Time
}

// Claim is a task that this replica has leased. After the lease another replica may claim it, which changes its version.
type Claim struct {
	TaskID  int64
	OrderSn string
	Kind    Kind
	Version int32
	Trace   tracing.Context
	Facts   json.RawMessage // the event's data that order cannot be asked for
}

// Unsent is a claimed task of which nothing is sent now. It ends in State; empty: that was an attempt, and it is retried.
type Unsent struct {
	Claim   Claim
	Verdict Verdict
	State   State
}

// Delivered is what came of attempt number Seq.
type Delivered struct {
	Claim   Claim
	Seq     int32
	Verdict Verdict
}

const gaveUp = "gave-up"

// Begin counts an attempt, outcome unknown. No attempt when none is left: the last one was interrupted before it was recorded.
func Begin(t Task, policy Policy, now time.Time, lease time.Duration) (Task, *Attempt) {
	if t.Tries >= policy.MaxAttempts {
		return Move(t, Dead, now, "gave up: the last attempt was interrupted", gaveUp), nil
	}
	until := now.Add(lease)
	t.LeasedUntil = &until
	t, attempt := counted(t, Verdict{Outcome: Unknown}, now, nil)
	return t, &attempt
}

// Failed is the task after an attempt that failed before anything was sent.
func Failed(t Task, verdict Verdict, policy Policy, now time.Time) (Task, *Attempt) {
	t, attempt := counted(t, verdict, now, &now)
	return retryOrGiveUp(t, verdict, policy, now), &attempt
}

// Ended is the task after an attempt with this outcome, concluded to be state. A delivery counts whatever happened to the
// task meanwhile; any other outcome changes it only while the claim of version claimed holds it. Changed: it has to be written.
func Ended(
	t Task, claimed int32, outcome Outcome, state State, verdict Verdict, policy Policy, now time.Time,
) (after Task, changed bool) {
	if state == Sent {
		if !MayMove(t.State, state) {
			return t, false
		}
		if outcome == Presumed {
			return Move(t, state, now, "presumed delivered by an earlier attempt", ""), true
		}
		return Move(t, state, now, "accepted", ""), true
	}
	if !t.IsOurs(claimed) {
		return t, false
	}
	if state != Pending {
		return Move(t, state, now, verdict.Reason(), verdict.Cause), true
	}
	return retryOrGiveUp(t, verdict, policy, now), true
}

// Move is the task in another state, its lease ended. An empty cause is none.
func Move(t Task, state State, now time.Time, reason, cause string) Task {
	t.State, t.Version, t.Reason, t.Cause, t.LeasedUntil = state, t.Version+1, &reason, nil, nil
	if cause != "" {
		t.Cause = &cause
	}
	if state == Sent {
		t.SentAt = &now
	}
	return t
}

// Reason is what operators read of a verdict.
func (v Verdict) Reason() string {
	if v.Errcode == nil {
		return v.Detail
	}
	return fmt.Sprintf("%d %s", *v.Errcode, v.Detail)
}

func counted(t Task, verdict Verdict, now time.Time, endedAt *time.Time) (Task, Attempt) {
	t.Attempts++
	t.Tries++
	return t, Attempt{t.ID, t.Attempts, verdict.Outcome, verdict.Errcode, verdict.Detail, now, endedAt}
}

func retryOrGiveUp(t Task, verdict Verdict, policy Policy, now time.Time) Task {
	reason := verdict.Reason()
	if policy.exhausted(t.Tries, now, t.GiveUpAt) {
		return Move(t, Dead, now, "gave up: "+reason, gaveUp)
	}
	t.DueAt, t.LeasedUntil, t.Reason, t.Version = now.Add(policy.Pause(t.Tries)), nil, &reason, t.Version+1
	return t
}
