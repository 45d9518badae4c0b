package event

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
)

// The topics that this service reads; it publishes none.
const (
	TradeStateTopic    = "order-update-tradestate-topic"
	RefundUpdatedTopic = "order-update-refund-topic"
)

var (
	orderSn   = regexp.MustCompile(`^HSO[0-9]{22}$`)
	paymentSn = regexp.MustCompile(`^PMT[0-9]{22}$`)
)

// TradeState: an order changed to TradeState (contracts/events/tradestate-updated.v1).
type TradeState struct {
	OrderSn    string
	TradeState int
}

// ParseTradeState reads the event's data; unknown members are ignored.
func ParseTradeState(data strictjson.Object) (e TradeState, err error) {
	if e.OrderSn, err = sn(data, "orderSn", orderSn); err != nil {
		return e, err
	}
	state, err := strictjson.Integer(data, "tradeState")
	if err == nil && !slices.Contains([]int64{-1, 1, 2, 3, 4}, state) {
		err = fmt.Errorf("tradeState: is none that is known")
	}
	e.TradeState = int(state)
	return e, err
}

// Numbers are what traces and logs tell the event by.
func (e TradeState) Numbers() map[string]string { return map[string]string{"order_sn": e.OrderSn} }

// Refund is a change of a refund that leaves the trade state as it is (contracts/events/refund-updated.v1).
type Refund struct {
	OrderSn   string
	State     string
	PaymentSn string
	Fen       int64
	Cause     string
	ChangedAt time.Time // UTC, in microseconds
}

// ParseRefund reads the event's data, or the facts that were kept of it; unknown members are ignored.
func ParseRefund(data strictjson.Object) (e Refund, err error) {
	if e.OrderSn, err = sn(data, "orderSn", orderSn); err != nil {
		return e, err
	}
	if e.PaymentSn, err = sn(data, "paymentSn", paymentSn); err != nil {
		return e, err
	}
	if e.State, err = strictjson.Read[string](data, "refundState"); err != nil {
		return e, err
	}
	if e.Cause, err = strictjson.Read[string](data, "cause"); err != nil {
		return e, err
	}
	if e.Fen, err = strictjson.Integer(data, "refundFen"); err != nil {
		return e, err
	}
	if e.Fen < 1 || e.Fen > 1<<53 {
		return e, fmt.Errorf("refundFen: is no amount")
	}
	moment, err := strictjson.Read[time.Time](data, "changedAt")
	e.ChangedAt = moment.UTC().Truncate(time.Microsecond)
	return e, err
}

// Numbers are what traces and logs tell the event by.
func (e Refund) Numbers() map[string]string {
	return map[string]string{"order_sn": e.OrderSn, "payment_sn": e.PaymentSn}
}

// Facts are the data as they are kept with the message.
func (e Refund) Facts() json.RawMessage {
	raw, _ := json.Marshal(map[string]any{ // texts, a number and a time: nothing that Marshal refuses
		"orderSn": e.OrderSn, "refundState": e.State, "paymentSn": e.PaymentSn, "refundFen": e.Fen,
		"cause": e.Cause, "changedAt": e.ChangedAt,
	})
	return raw
}

// Moment is ChangedAt as it tells one message from another: as Python's isoformat writes it, which the rows of the other
// implementation hold.
func (e Refund) Moment() string {
	if e.ChangedAt.Nanosecond() == 0 {
		return e.ChangedAt.Format("2006-01-02T15:04:05") + "+00:00"
	}
	return e.ChangedAt.Format("2006-01-02T15:04:05.000000") + "+00:00"
}

func sn(data strictjson.Object, name string, pattern *regexp.Regexp) (string, error) {
	value, err := strictjson.Read[string](data, name)
	if err == nil && !pattern.MatchString(value) {
		err = fmt.Errorf("%s: has the wrong form", name)
	}
	return value, err
}
