// Package task says what a message goes through: its kinds, states and attempts, and what an attempt does to it. Pure.
package task

// Kind of a message. The first three are sent once per order, the others once per subject.
type Kind string

const (
	Paid          Kind = "paid"
	BeforeArrival Kind = "before_arrival" // carries the check-in code; sent when the order is paid, not on a date
	Refunded      Kind = "refunded"
	GivenBack     Kind = "given_back"   // a payment was refunded, or a part of one, the trade state stays
	RefundAsked   Kind = "refund_asked" // to the merchant, who has to decide
)

// Kinds are all that this build knows; rows of others are left to a newer one.
var Kinds = []Kind{Paid, BeforeArrival, Refunded, GivenBack, RefundAsked}

// StayKinds are cancelled when the order leaves the paid state. Refunded stays true and is never cancelled.
var StayKinds = []Kind{Paid, BeforeArrival}

// PaidOrder and RefundedOrder are the trade states that lead to a message.
const (
	PaidOrder     = 1
	RefundedOrder = 3
)

// KindsOf are the messages that a trade state leads to.
func KindsOf(tradeState int) []Kind {
	switch tradeState {
	case PaidOrder:
		return StayKinds
	case RefundedOrder:
		return []Kind{Refunded}
	}
	return nil
}

// IsStay tells whether the message is about the stay itself.
func (k Kind) IsStay() bool { return k == Paid || k == BeforeArrival }

// KindOfRefund is the message that a refund state of refund-updated.v1 leads to. Several: it may be reported several times
// of one payment, and the time tells one from another.
func KindOfRefund(refundState string) (kind Kind, several, known bool) {
	switch refundState {
	case "asked":
		return RefundAsked, true, true
	case "returned":
		return GivenBack, false, true
	case "part-returned":
		return GivenBack, true, true
	}
	return "", false, false
}

// State of a task.
type State string

const (
	Pending   State = "pending"
	Sent      State = "sent"
	Refused   State = "refused"   // the user did not accept this message, or has no openid
	Invalid   State = "invalid"   // our error; can be resent when it is corrected
	Dead      State = "dead"      // given up after the last try, without a definite response
	Cancelled State = "cancelled" // the order's state changed before the message was sent
)

// States are all states of a task.
var States = []State{Pending, Sent, Refused, Invalid, Dead, Cancelled}

// Outcome of an attempt.
type Outcome string

const (
	Unknown        Outcome = "unknown" // whether WeChat took it is not known: a crash, a time-out, an unreadable response
	Accepted       Outcome = "accepted"
	Presumed       Outcome = "presumed" // 43101 after an attempt of unknown outcome: that one used the permission
	RefusedByUser  Outcome = "refused"
	InvalidRequest Outcome = "invalid"  // WeChat rejects the request, and would reject it again
	FailedForNow   Outcome = "failed"   // WeChat refused for now
	NotSent        Outcome = "not_sent" // order, usercenter or the access token was unavailable
	errcodeRefusal         = 43101
)

// Outcomes are all outcomes of an attempt.
var Outcomes = []Outcome{Unknown, Accepted, Presumed, RefusedByUser, InvalidRequest, FailedForNow, NotSent}

// MayMove tells whether a task may go from one state to another. An attempt in progress when the task left pending may still
// be accepted: then it was sent.
func MayMove(before, after State) bool {
	switch before {
	case Pending:
		return after != Pending
	case Refused, Invalid, Dead:
		return after == Pending || after == Sent
	case Cancelled:
		return after == Sent
	}
	return false
}

// Verdict is the result of one send: Outcome as far as this attempt alone shows, Cause a short name for selections.
type Verdict struct {
	Outcome Outcome
	Detail  string
	Errcode *int32
	Cause   string
}

// IsRefusal tells whether WeChat said that the user does not accept the message: all that an earlier doubt changes.
func (v Verdict) IsRefusal() bool { return v.Errcode != nil && *v.Errcode == errcodeRefusal }

// Conclude is the attempt's outcome and the task's new state; Pending means a retry. Doubtful: the outcome of an earlier
// attempt is unknown. A user's permission is for one message, so a refusal now means that the earlier one used it.
func Conclude(verdict Verdict, doubtful bool) (Outcome, State) {
	switch {
	case verdict.Outcome == Accepted:
		return Accepted, Sent
	case verdict.Outcome == RefusedByUser && doubtful && verdict.IsRefusal():
		return Presumed, Sent
	case verdict.Outcome == RefusedByUser:
		return RefusedByUser, Refused
	case verdict.Outcome == InvalidRequest:
		return InvalidRequest, Invalid
	}
	return verdict.Outcome, Pending
}
