package message

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
)

const facts = `{"orderSn": "HSO2026112309302612345678", "refundState": "asked", "paymentSn": "PMT2026112309310087654321",
	"refundFen": 19900, "cause": "buyer", "changedAt": "2026-11-23T16:05:31.52Z"}`

func of[T any](value T) *T { return &value }

func TestWhatIsSentDependsOnTheOrderAsItIsNow(t *testing.T) {
	asked := time.Date(2026, 11, 23, 16, 5, 31, 520000000, time.UTC)
	tests := map[string]struct {
		kind  task.Kind
		order Order
		state task.State // it ends in, without a message
		later bool       // order's response is older than the event
	}{
		"paid":                          {kind: task.Paid, order: Order{TradeState: 1}},
		"left the paid state":           {kind: task.BeforeArrival, order: Order{TradeState: 2}, state: task.Cancelled},
		"refunded":                      {kind: task.Refunded, order: Order{TradeState: 3, RefundedAt: &asked, RefundedFen: of(int64(1))}},
		"refunded, order does not know": {kind: task.Refunded, order: Order{TradeState: 1}, later: true},
		"refunded nothing": {
			kind: task.Refunded, order: Order{TradeState: 3, RefundedAt: &asked, RefundedFen: of(int64(0))}, state: task.Cancelled,
		},
		"given back":                 {kind: task.GivenBack, order: Order{TradeState: -1}},
		"asked":                      {kind: task.RefundAsked, order: Order{RefundState: of("asked"), RefundAskedAt: &asked}},
		"asked, order does not know": {kind: task.RefundAsked, later: true},
		"asked, decided":             {kind: task.RefundAsked, order: Order{RefundState: of("agreed")}, state: task.Cancelled},
		"asked again": {
			kind: task.RefundAsked, order: Order{RefundState: of("asked"), RefundAskedAt: of(asked.Add(time.Second))},
			state: task.Cancelled,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := To(task.Claim{Kind: test.kind, Facts: json.RawMessage(facts)}, test.order)
			var nothing *Nothing
			switch {
			case test.later:
				if !problem.Is(err, problem.PeerUnavailable) {
					t.Errorf("got %v, want PeerUnavailable", err)
				}
			case test.state != "":
				if !errors.As(err, &nothing) || nothing.State != test.state {
					t.Errorf("got %v, want %s", err, test.state)
				}
			case err != nil:
				t.Error(err)
			}
		})
	}
}

func TestWhatSilenceMeans(t *testing.T) {
	asked := time.Date(2026, 11, 23, 16, 5, 31, 520000000, time.UTC)
	for least, want := range map[int64]string{19900: silenceAll, 20000: silenceAll, 1: silenceShare, 0: silenceNothing} {
		order := Order{RefundState: of("asked"), RefundAskedAt: &asked, RefundLeastFen: &least}
		to, err := To(task.Claim{Kind: task.RefundAsked, Facts: json.RawMessage(facts)}, order)
		if err != nil {
			t.Fatal(err)
		}
		if to.about.cause != want {
			t.Errorf("least %d: %q, want %q", least, to.about.cause, want)
		}
	}
}

func TestWhatDoesNotFitIsNotSent(t *testing.T) {
	to := Recipient{order: Order{Sn: "HSO2026112309302612345678", CheckinCode: "码"}}
	_, err := Templates{}.Compose(task.Claim{Kind: task.BeforeArrival}, to, "openid")
	var nothing *Nothing
	if !errors.As(err, &nothing) || nothing.State != task.Invalid || nothing.Cause != CauseUnrenderable {
		t.Errorf("got %v", err)
	}
	_, err = Templates{}.Compose(task.Claim{Kind: task.Paid}, to, "")
	if !errors.As(err, &nothing) || nothing.State != task.Refused || nothing.Cause != "no-openid" {
		t.Errorf("got %v", err)
	}
}
