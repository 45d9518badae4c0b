// Package planning turns events of order into tasks: which messages to send, and which are out of date.
package planning

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/event"
	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/store"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

// Planning plans messages. Wake is called after a commit that creates one.
type Planning struct {
	DB          *pg.Database
	Log         *slog.Logger
	Now         func() time.Time
	GiveUpAfter time.Duration
	Wake        func()
}

// OnTradeState creates the messages for a trade state; any state but paid cancels the unsent messages about the stay. Each
// event takes effect once, in any order: a task exists once per order and kind, and the delivery reads the order again.
func (p *Planning) OnTradeState(ctx context.Context, received event.Received[event.TradeState]) error {
	now, order, planned := p.Now(), received.Data, 0
	err := p.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		first, err := store.FirstTime(ctx, tx, received.Envelope)
		if err != nil || !first {
			return err
		}
		if order.TradeState != task.PaidOrder {
			reason := fmt.Sprintf("the order is in state %d now", order.TradeState)
			if err := store.Cancel(ctx, tx, order.OrderSn, task.StayKinds, reason, received.Envelope.Source, now); err != nil {
				return err
			}
		}
		planned, err = p.add(ctx, tx, ofState(order, tracing.Current(ctx)), now)
		return err
	})
	if err != nil {
		return err
	}
	p.Log.InfoContext(ctx, "trade state received",
		"order_sn", order.OrderSn, "trade_state", order.TradeState, "planned", planned)
	p.wakeFor(planned)
	return nil
}

// OnTradeStates is OnTradeState for events of different orders, in one transaction. Returns the positions of those that are
// done; the others have messages to cancel.
func (p *Planning) OnTradeStates(
	ctx context.Context, received []event.Received[event.TradeState],
) (map[int]bool, error) {
	now, planned := p.Now(), 0
	var done map[int]bool
	err := p.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		plain, err := withoutCancelling(ctx, tx, received)
		if err != nil {
			return err
		}
		var keys []store.EventKey
		for place := range plain {
			keys = append(keys, keyOf(received[place].Envelope))
		}
		known, err := store.Known(ctx, tx, keys)
		if err != nil {
			return err
		}
		var fresh []store.EventKey
		var tasks []store.NewTask
		for place, each := range received {
			if key := keyOf(each.Envelope); plain[place] && !known[key] {
				fresh = append(fresh, key)
				tasks = append(tasks, ofState(each.Data, each.Envelope.Trace.PassedOn())...)
			}
		}
		if err := store.Record(ctx, tx, fresh); err != nil {
			return err
		}
		done = plain
		planned, err = p.add(ctx, tx, tasks, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.Log.InfoContext(ctx, "trade states received", "count", len(done), "planned", planned)
	p.wakeFor(planned)
	return done, nil
}

// OnRefund creates the message about a refund. Each event takes effect once, and another event about the same refund or
// request is the same task.
func (p *Planning) OnRefund(ctx context.Context, received event.Received[event.Refund]) error {
	refund := received.Data
	kind, several, known := task.KindOfRefund(refund.State)
	if !known {
		return nil
	}
	subject := refund.PaymentSn
	if several {
		subject = refund.Moment()
	}
	now, planned := p.Now(), 0
	err := p.DB.Transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		first, err := store.FirstTime(ctx, tx, received.Envelope)
		if err != nil || !first {
			return err
		}
		message := store.NewTask{
			OrderSn: refund.OrderSn, Kind: kind, Subject: subject, Facts: refund.Facts(), Trace: tracing.Current(ctx),
		}
		planned, err = p.add(ctx, tx, []store.NewTask{message}, now)
		return err
	})
	if err != nil {
		return err
	}
	p.Log.InfoContext(ctx, "refund update received",
		"order_sn", refund.OrderSn, "refund_state", refund.State, "planned", planned)
	p.wakeFor(planned)
	return nil
}

func (p *Planning) add(ctx context.Context, tx pgx.Tx, tasks []store.NewTask, now time.Time) (int, error) {
	return store.AddTasks(ctx, tx, tasks, now, now.Add(p.GiveUpAfter))
}

func (p *Planning) wakeFor(planned int) {
	if planned > 0 {
		p.Wake()
	}
}

// withoutCancelling are the positions of the events that cancel no message.
func withoutCancelling(
	ctx context.Context, q pg.Querier, received []event.Received[event.TradeState],
) (map[int]bool, error) {
	var left []string
	for _, each := range received {
		if each.Data.TradeState != task.PaidOrder {
			left = append(left, each.Data.OrderSn)
		}
	}
	cancelling := map[string]bool{}
	if len(left) > 0 {
		var err error
		if cancelling, err = store.OrdersWithPending(ctx, q, left, task.StayKinds); err != nil {
			return nil, err
		}
	}
	plain := map[int]bool{}
	for place, each := range received {
		if each.Data.TradeState == task.PaidOrder || !cancelling[each.Data.OrderSn] {
			plain[place] = true
		}
	}
	return plain, nil
}

func keyOf(e event.Envelope) store.EventKey { return store.EventKey{Source: e.Source, ID: e.ID} }

func ofState(order event.TradeState, trace tracing.Context) []store.NewTask {
	var tasks []store.NewTask
	for _, kind := range task.KindsOf(order.TradeState) {
		tasks = append(tasks, store.NewTask{OrderSn: order.OrderSn, Kind: kind, Trace: trace})
	}
	return tasks
}
