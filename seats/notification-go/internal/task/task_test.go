package task

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	now    = time.Date(2026, 11, 23, 1, 31, 20, 0, time.UTC)
	policy = Policy{
		MaxAttempts: 3, GiveUpAfter: time.Hour,
		Backoff: Backoff{First: 5 * time.Second, Longest: time.Minute, Jitter: 0.25, Chance: func() float64 { return 0.5 }},
	}
)

func code(number int32) *int32 { return &number }

func TestConclude(t *testing.T) {
	refusal := Verdict{Outcome: RefusedByUser, Errcode: code(43101)}
	tests := map[string]struct {
		verdict  Verdict
		doubtful bool
		outcome  Outcome
		state    State
	}{
		"accepted":              {Verdict{Outcome: Accepted}, false, Accepted, Sent},
		"refused":               {refusal, false, RefusedByUser, Refused},
		"refused after a doubt": {refusal, true, Presumed, Sent},
		"no openid after doubt": {Verdict{Outcome: RefusedByUser}, true, RefusedByUser, Refused},
		"our error":             {Verdict{Outcome: InvalidRequest}, true, InvalidRequest, Invalid},
		"busy":                  {Verdict{Outcome: FailedForNow}, false, FailedForNow, Pending},
		"no response":           {Verdict{Outcome: Unknown}, true, Unknown, Pending},
	}
	for name, test := range tests {
		outcome, state := Conclude(test.verdict, test.doubtful)
		if outcome != test.outcome || state != test.state {
			t.Errorf("%s: %s, %s", name, outcome, state)
		}
	}
}

func TestOnlyADeliveryChangesATaskThatWasTakenOver(t *testing.T) {
	task := Task{State: Pending, Version: 7, GiveUpAt: now.Add(time.Hour)}
	verdict := Verdict{Outcome: FailedForNow, Detail: "busy"}
	if after, changed := Ended(task, 6, FailedForNow, Pending, verdict, policy, now); changed {
		t.Errorf("a failure of an overtaken claim wrote %+v", after)
	}
	after, changed := Ended(task, 6, Accepted, Sent, Verdict{Outcome: Accepted}, policy, now)
	if !changed || after.State != Sent || after.Version != 8 || !after.SentAt.Equal(now) {
		t.Errorf("a delivery of an overtaken claim wrote %+v, %t", after, changed)
	}
	task.State = Sent
	if _, changed := Ended(task, 7, Accepted, Sent, Verdict{}, policy, now); changed {
		t.Error("a second delivery moved a sent task")
	}
}

func TestRetriesEndByNumberOrAge(t *testing.T) {
	verdict := Verdict{Outcome: NotSent, Detail: "order: 503"}
	after, attempt := Failed(Task{ID: 1, State: Pending, GiveUpAt: now.Add(time.Hour)}, verdict, policy, now)
	if after.State != Pending || !after.DueAt.Equal(now.Add(5*time.Second)) || after.Tries != 1 || attempt.Seq != 1 {
		t.Errorf("first failure: %+v, %+v", after, attempt)
	}
	last, _ := Failed(Task{State: Pending, Tries: 2, Attempts: 9, GiveUpAt: now.Add(time.Hour)}, verdict, policy, now)
	old, _ := Failed(Task{State: Pending, GiveUpAt: now}, verdict, policy, now)
	for _, each := range []Task{last, old} {
		if each.State != Dead || *each.Reason != "gave up: order: 503" || *each.Cause != "gave-up" {
			t.Errorf("%+v", each)
		}
	}
	interrupted, none := Begin(Task{State: Pending, Tries: 3}, policy, now, time.Second)
	if interrupted.State != Dead || none != nil {
		t.Errorf("%+v, %v", interrupted, none)
	}
}

func TestPausesDoubleUpToTheLongest(t *testing.T) {
	for tries, want := range map[int32]time.Duration{
		0: 5 * time.Second, 1: 5 * time.Second, 2: 10 * time.Second, 4: 40 * time.Second, 5: time.Minute, 1000: time.Minute,
	} {
		if got := policy.Pause(tries); got != want {
			t.Errorf("Pause(%d) = %s, want %s", tries, got, want)
		}
	}
	least := policy.Backoff
	least.Chance = func() float64 { return 0 }
	if got := least.Pause(1); got != 3750*time.Millisecond {
		t.Errorf("the shortest first pause is %s", got)
	}
}

func TestMovesThatAreAllowed(t *testing.T) {
	for _, before := range States {
		for _, after := range States {
			want := map[State]string{
				Pending: "sent refused invalid dead cancelled", Refused: "pending sent", Invalid: "pending sent",
				Dead: "pending sent", Cancelled: "sent", Sent: "",
			}[before]
			if got := MayMove(before, after); got != slices.Contains(strings.Fields(want), string(after)) {
				t.Errorf("MayMove(%s, %s) = %t", before, after, got)
			}
		}
	}
}
