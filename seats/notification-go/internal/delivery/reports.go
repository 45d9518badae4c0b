package delivery

import (
	"context"
	"log/slog"

	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/store"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
)

// Reports counts attempts and logs a line for each message that was not delivered, at debug level for one that was.
type Reports struct {
	Log     *slog.Logger
	Metrics *metrics.Metrics
}

// CountFromZero makes all series, so that an alert on the increase sees the first one.
func (r *Reports) CountFromZero() {
	for _, kind := range task.Kinds {
		for _, outcome := range task.Outcomes {
			r.Metrics.Attempts.WithLabelValues(string(kind), string(outcome))
		}
		for _, state := range task.States {
			r.Metrics.Ended.WithLabelValues(string(kind), string(state))
		}
	}
}

// end is an attempt whose outcome is recorded.
type end struct {
	sent    task.Delivered
	outcome task.Outcome
}

func (r *Reports) sent(ctx context.Context, ends []end) {
	delivered := 0
	for _, each := range ends {
		claim := each.sent.Claim
		r.Metrics.Attempts.WithLabelValues(string(claim.Kind), string(each.outcome)).Inc()
		if each.outcome == task.Accepted || each.outcome == task.Presumed {
			delivered++
			r.Log.DebugContext(ctx, "message delivered", "order_sn", claim.OrderSn, "kind", claim.Kind, "outcome", each.outcome)
			continue
		}
		r.notDelivered(ctx, claim, each.outcome, each.sent.Verdict)
	}
	r.Log.InfoContext(ctx, "messages sent", "delivered", delivered, "failed", len(ends)-delivered)
}

func (r *Reports) unsent(ctx context.Context, unsent []task.Unsent) {
	for _, each := range unsent {
		claim := each.Claim
		if each.State == "" {
			r.Metrics.Attempts.WithLabelValues(string(claim.Kind), string(each.Verdict.Outcome)).Inc()
			r.notDelivered(ctx, claim, each.Verdict.Outcome, each.Verdict)
			continue
		}
		r.Log.InfoContext(ctx, "message is not sent", with(claim,
			"order_sn", claim.OrderSn, "kind", claim.Kind, "state", each.State, "reason", each.Verdict.Detail)...)
	}
}

// ended reports tasks that were moved to another state.
func (r *Reports) ended(ctx context.Context, steps []store.Step) {
	for _, each := range steps {
		if each.Before.State == each.After.State {
			continue
		}
		r.Metrics.Ended.WithLabelValues(string(each.After.Kind), string(each.After.State)).Inc()
		if each.After.State == task.Dead {
			r.Log.ErrorContext(ctx, "message is dead",
				"task_id", each.After.ID, "order_sn", each.After.OrderSn, "reason", *each.After.Reason)
		}
	}
}

func (r *Reports) unwritten(ctx context.Context, count int, err error) {
	r.Log.WarnContext(ctx, "deliveries are retried when their lease ends", "count", count, "reason", err.Error())
}

func (r *Reports) oneByOne(ctx context.Context, count int, err error) {
	r.Log.WarnContext(ctx, "messages are written one by one", "count", count, "reason", err.Error())
}

func (r *Reports) unwritable(ctx context.Context, claim task.Claim, err error) {
	r.Log.ErrorContext(ctx, "a message cannot be written",
		"order_sn", claim.OrderSn, "kind", claim.Kind, "reason", err.Error())
}

func (r *Reports) notDelivered(ctx context.Context, claim task.Claim, outcome task.Outcome, verdict task.Verdict) {
	r.Log.InfoContext(ctx, "message was not delivered", with(claim,
		"order_sn", claim.OrderSn, "kind", claim.Kind, "outcome", outcome, "reason", verdict.Reason())...)
}

// with adds the trace of the event that the message is about: a batch has one of its own.
func with(claim task.Claim, fields ...any) []any {
	if id := claim.Trace.TraceID(); id != "" {
		return append(fields, "trace_id", id)
	}
	return fields
}
