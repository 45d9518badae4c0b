package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/minsu/minsu/seats/notification-go/internal/message"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/peer"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
	"github.com/minsu/minsu/seats/notification-go/internal/wechat"
)

const (
	prepareTimeout = 14 * time.Second
	// gather is how long the outcome of a send waits for those of its batch, so that a slow one holds up no other.
	gather = 250 * time.Millisecond
)

// recordPauses are the pauses between tries to record an outcome while the database is unavailable; then it stays unknown.
var recordPauses = []time.Duration{200 * time.Millisecond, 800 * time.Millisecond, 2 * time.Second}

// Orders, Users and Messenger are what a delivery calls.
type (
	Orders interface {
		Read(ctx context.Context, orderSns map[string]bool) (map[string]peer.Found, error)
	}
	Users interface {
		OpenIDs(ctx context.Context, userIDs map[int64]bool) (map[int64]string, error)
	}
	Messenger interface {
		GetReady(ctx context.Context) error
		Send(ctx context.Context, text message.Message) task.Verdict
	}
)

// Delivery makes one attempt for each claimed task. Safe on several replicas. After a crash between two steps the tasks are
// due again when their lease ends, each with at most one attempt whose outcome is unknown; WeChat's answer to the next
// attempt tells whether that one was delivered.
type Delivery struct {
	Attempts  *Attempts
	Orders    Orders
	Users     Users
	Messenger Messenger
	Templates message.Templates
	Log       *slog.Logger
	Metrics   *metrics.Metrics
	Tracer    *tracing.Tracer
}

type composed struct {
	claim task.Claim
	text  message.Message
}

// Deliver makes one attempt for each claim. It tells done how many tasks are done: first when the sends have begun, then
// whenever outcomes were recorded. Returns how many outcomes could not be recorded.
func (d *Delivery) Deliver(ctx context.Context, claims []task.Claim, done func(int)) (lost int) {
	messages, begun := d.prepare(ctx, claims)
	results := make(chan task.Delivered)
	left := 0
	for _, each := range messages {
		seq, ok := begun[each.claim.TaskID]
		if !ok {
			continue
		}
		left++
		go func() {
			results <- task.Delivered{Claim: each.claim, Seq: seq, Verdict: d.send(ctx, each)}
		}()
	}
	done(len(claims) - left)
	for left > 0 {
		ended := gathered(results, left)
		left -= len(ended)
		if ctx.Err() == nil { // else the process ends: what was interrupted stays unknown
			lost += d.record(ctx, ended)
		}
		done(len(ended))
	}
	return lost
}

// gathered are the sends that end until all have, or until the time to gather is over; at least one.
func gathered(results <-chan task.Delivered, most int) []task.Delivered {
	ended := []task.Delivered{<-results}
	over := time.NewTimer(gather)
	defer over.Stop()
	for len(ended) < most {
		select {
		case each := <-results:
			ended = append(ended, each)
		case <-over.C:
			return ended
		}
	}
	return ended
}

// prepare has the messages and the numbers of their attempts, which are recorded; tasks that get none now are recorded, too.
func (d *Delivery) prepare(ctx context.Context, claims []task.Claim) ([]composed, map[int64]int32) {
	contexts := make([]trace.SpanContext, len(claims))
	for place, each := range claims {
		contexts[place] = each.Trace.Span()
	}
	ctx, span := d.Tracer.Batch(ctx, "prepare messages", contexts, trace.SpanKindInternal)
	defer span.End()
	messages, unsent := d.compose(ctx, claims)
	if len(unsent) > 0 {
		d.Attempts.EndUnsent(ctx, unsent)
	}
	if len(messages) == 0 {
		return nil, nil
	}
	ours := make([]task.Claim, len(messages))
	for place, each := range messages {
		ours[place] = each.claim
	}
	return messages, d.Attempts.Begin(ctx, ours)
}

// compose has the messages, and the tasks that get none now. A failure of all harms what is not decided yet, and counts as
// an attempt.
func (d *Delivery) compose(ctx context.Context, claims []task.Claim) (messages []composed, unsent []task.Unsent) {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	failAll := func(claims []task.Claim, err error) {
		for _, each := range claims {
			unsent = append(unsent, d.unsent(ctx, each, err))
		}
	}
	sns := map[string]bool{}
	for _, each := range claims {
		sns[each.OrderSn] = true
	}
	orders, err := d.Orders.Read(ctx, sns)
	if err != nil {
		failAll(claims, err)
		return nil, unsent
	}
	recipients := map[int64]message.Recipient{}
	users := map[int64]bool{}
	var found []task.Claim
	for _, each := range claims {
		order := orders[each.OrderSn]
		to, err := message.Recipient{}, order.Err
		if err == nil {
			to, err = message.To(each, order.Order)
		}
		if err != nil {
			unsent = append(unsent, d.unsent(ctx, each, err))
			continue
		}
		recipients[each.TaskID], users[to.UserID] = to, true
		found = append(found, each)
	}
	if len(found) == 0 {
		return nil, unsent
	}
	openIDs, err := d.Users.OpenIDs(ctx, users)
	if err != nil {
		failAll(found, err)
		return nil, unsent
	}
	for _, each := range found {
		to := recipients[each.TaskID]
		text, err := d.Templates.Compose(each, to, openIDs[to.UserID])
		if err != nil {
			unsent = append(unsent, d.unsent(ctx, each, err))
			continue
		}
		messages = append(messages, composed{each, text})
	}
	if len(messages) == 0 {
		return nil, unsent
	}
	if err := d.Messenger.GetReady(ctx); err != nil {
		for _, each := range messages {
			unsent = append(unsent, d.unsent(ctx, each.claim, err))
		}
		return nil, unsent
	}
	return messages, unsent
}

// unsent is what becomes of a task of which nothing is sent because of err.
func (d *Delivery) unsent(ctx context.Context, claim task.Claim, err error) task.Unsent {
	var nothing *message.Nothing
	if errors.As(err, &nothing) {
		if nothing.Cause == message.CauseUnrenderable {
			d.Metrics.Rejections.WithLabelValues(nothing.Cause).Inc()
		}
		verdict := task.Verdict{Outcome: task.NotSent, Detail: nothing.Reason, Cause: nothing.Cause}
		return task.Unsent{Claim: claim, Verdict: verdict, State: nothing.State}
	}
	var noToken *wechat.NoToken
	detail := err.Error()
	if !problem.IsUnavailable(err) && !errors.As(err, &noToken) {
		// A fault of ours must count as an attempt, else it is retried for ever.
		d.Log.ErrorContext(ctx, "messages cannot be prepared", "order_sn", claim.OrderSn, "reason", detail)
		detail = fmt.Sprintf("unexpected %T", err)
	}
	characters := []rune(detail)
	return task.Unsent{
		Claim:   claim,
		Verdict: task.Verdict{Outcome: task.NotSent, Detail: string(characters[:min(len(characters), 300)])},
	}
}

// send makes one attempt, in the trace of the event that the message is about.
func (d *Delivery) send(ctx context.Context, each composed) (verdict task.Verdict) {
	ctx, span := d.Tracer.Begin(ctx, "send message", each.claim.Trace.Span(), trace.SpanKindInternal, nil,
		attribute.String("minsu.order_sn", each.claim.OrderSn), attribute.String("minsu.message", string(each.claim.Kind)))
	defer span.End()
	defer func() {
		if fault := recover(); fault != nil { // a fault of ours: the outcome stays unknown, and the others go on
			d.Log.ErrorContext(ctx, "a send failed", "order_sn", each.claim.OrderSn, "kind", each.claim.Kind,
				"error", fmt.Sprint(fault), "stack", string(debug.Stack()))
			verdict = task.Verdict{Outcome: task.Unknown, Detail: "unexpected fault"}
		}
	}()
	verdict = d.Messenger.Send(ctx, each.text)
	if verdict.Outcome != task.Accepted {
		tracing.Fail(span, string(verdict.Outcome))
	}
	return verdict
}

// record returns how many could not be recorded: their outcome stays unknown.
func (d *Delivery) record(ctx context.Context, sent []task.Delivered) int {
	for _, pause := range recordPauses {
		if sent = d.Attempts.Record(ctx, sent); len(sent) == 0 {
			return 0
		}
		select {
		case <-ctx.Done():
			return len(sent)
		case <-time.After(pause):
		}
	}
	return len(d.Attempts.Record(ctx, sent))
}
