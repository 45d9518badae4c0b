package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

// Status is what the sidecar does with an event: forget it, bring it again, or put it with the dead letters.
type Status string

const (
	Success Status = "SUCCESS"
	Retry   Status = "RETRY"
	Drop    Status = "DROP"
)

// Data is a consumer's own model of an event.
type Data interface{ Numbers() map[string]string }

// Received is an event that could be read.
type Received[D Data] struct {
	Envelope Envelope
	Data     D
}

// Tools are what every consumer logs, counts and traces with.
type Tools struct {
	Log     *slog.Logger
	Metrics *metrics.Metrics
	Tracer  *tracing.Tracer
	Now     func() time.Time
}

// Consumer is what the service does with one topic. Handle opens its own transaction and records the event in the inbox.
//
// Together, where it is given, does the same for events of different keys in one transaction. It returns the positions that
// it took; the others are given to Handle, one by one. Where it fails, it has taken none.
type Consumer[D Data] struct {
	TopicName string
	Parse     func(strictjson.Object) (D, error)
	Handle    func(context.Context, Received[D]) error
	Together  func(context.Context, []Received[D]) (map[int]bool, error)
	Tools
}

// Topic is the name of the topic.
func (c *Consumer[D]) Topic() string { return c.TopicName }

// CountFromZero makes the consumer's series, so that a rate sees the first event.
func (c *Consumer[D]) CountFromZero() {
	c.Metrics.DeliveryDelay.WithLabelValues(c.TopicName)
	for _, status := range []Status{Success, Retry, Drop} {
		c.Metrics.EventsHandled.WithLabelValues(c.TopicName, string(status))
		c.Metrics.HandleSeconds.WithLabelValues(c.TopicName, string(status))
	}
}

func (c *Consumer[D]) read(document []byte) (Received[D], error) {
	envelope, err := ParseEnvelope(document)
	if err != nil {
		return Received[D]{}, err
	}
	if envelope.Data == nil {
		return Received[D]{}, &problem.Poison{Reason: "cannot be read: there is no data"}
	}
	data, err := c.Parse(envelope.Data)
	if err != nil {
		return Received[D]{}, &problem.Poison{Reason: "cannot be read: " + err.Error()}
	}
	for name, raw := range envelope.Data {
		if member := strictjson.Unstorable(raw); member != "" {
			return Received[D]{}, &problem.Poison{Reason: "cannot be stored: " + name}
		}
	}
	return Received[D]{envelope, data}, nil
}

// Apply reads and handles one event. A problem.Poison can never be applied.
func (c *Consumer[D]) Apply(ctx context.Context, document []byte) error {
	received, err := c.read(document)
	if err != nil {
		return err
	}
	ctx, span := c.begin(ctx, received)
	defer span.End()
	if err := c.Handle(ctx, received); err != nil {
		tracing.Fail(span, fmt.Sprintf("%T", err))
		return err
	}
	c.countDelay(received.Envelope)
	return nil
}

// Outcome is Apply as the sidecar's status. Of all errors Poison alone is dropped: anything else may pass.
func (c *Consumer[D]) Outcome(ctx context.Context, document []byte) Status {
	began := time.Now()
	status := Success
	var poison *problem.Poison
	switch err := c.Apply(ctx, document); {
	case errors.As(err, &poison):
		c.Log.ErrorContext(ctx, "event is poison", "topic", c.TopicName, "reason", poison.Reason)
		status = Drop
	case problem.IsUnavailable(err):
		c.Log.WarnContext(ctx, "event is retried", "topic", c.TopicName, "reason", err.Error())
		status = Retry
	case err != nil:
		c.Log.ErrorContext(ctx, "event failed", "topic", c.TopicName, "reason", err.Error())
		status = Retry
	}
	c.count(status, 1, began)
	return status
}

// takeTogether handles in one transaction what can be handled so: entries whose key is in the batch once. Returns which of
// them are done. An error means that all have to come again.
func (c *Consumer[D]) takeTogether(ctx context.Context, entries []entry) (map[string]bool, error) {
	if c.Together == nil {
		return nil, nil
	}
	times := map[string]int{}
	for _, each := range entries {
		times[each.key]++
	}
	var chosen []string
	var events []Received[D]
	for _, each := range entries {
		if received, err := c.read(each.event); err == nil && times[each.key] == 1 {
			chosen, events = append(chosen, each.id), append(events, received)
		}
	}
	if len(events) == 0 {
		return nil, nil
	}
	began := time.Now()
	taken, err := c.together(ctx, events)
	if problem.IsUnavailable(err) {
		c.count(Retry, len(entries), began)
		return nil, err
	}
	if err != nil { // one of them is at fault: each alone shows which
		c.Log.WarnContext(ctx, "events are handled one by one", "topic", c.TopicName, "reason", err.Error())
		return nil, nil
	}
	done := map[string]bool{}
	for place := range taken {
		done[chosen[place]] = true
		c.countDelay(events[place].Envelope)
	}
	if len(done) > 0 {
		c.count(Success, len(done), began)
	}
	return done, nil
}

// together runs Together in one span with a link to each event. An event that is sampled has one in its own trace too, which
// what follows from the event belongs to.
func (c *Consumer[D]) together(ctx context.Context, events []Received[D]) (map[int]bool, error) {
	if !c.Tracer.Recording {
		return c.Together(ctx, events)
	}
	contexts := make([]trace.SpanContext, len(events))
	for place, each := range events {
		contexts[place] = each.Envelope.Trace.Span()
	}
	attributes := append(c.attributes(), attribute.Int("messaging.batch.message_count", len(events)))
	ctx, whole := c.Tracer.Batch(ctx, c.spanName(), contexts, trace.SpanKindConsumer, attributes...)
	defer whole.End()
	if len(events) == 1 {
		whole.SetAttributes(about(events[0])...)
		events[0].Envelope.Trace = tracing.Current(ctx)
		return c.Together(ctx, events)
	}
	spans := map[int]trace.Span{}
	for place := range events {
		if contexts[place].IsSampled() {
			links := []trace.SpanContext{whole.SpanContext()}
			own, span := c.Tracer.Begin(ctx, c.spanName(), contexts[place], trace.SpanKindConsumer, links,
				append(c.attributes(), about(events[place])...)...)
			spans[place], events[place].Envelope.Trace = span, tracing.Current(own)
		}
	}
	taken, err := c.Together(ctx, events)
	for place, span := range spans {
		if taken[place] { // the others are handled, and seen, alone
			span.End()
		}
	}
	return taken, err
}

func (c *Consumer[D]) spanName() string { return "process " + c.TopicName }

func (c *Consumer[D]) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.operation.name", "process"),
		attribute.String("messaging.operation.type", "process"),
		attribute.String("messaging.destination.name", c.TopicName),
	}
}

func about[D Data](received Received[D]) []attribute.KeyValue {
	attributes := []attribute.KeyValue{attribute.String("messaging.message.id", received.Envelope.ID)}
	for name, number := range received.Data.Numbers() {
		attributes = append(attributes, attribute.String("minsu."+name, number))
	}
	return attributes
}

func (c *Consumer[D]) begin(ctx context.Context, received Received[D]) (context.Context, trace.Span) {
	return c.Tracer.Begin(ctx, c.spanName(), received.Envelope.Trace.Span(), trace.SpanKindConsumer, nil,
		append(c.attributes(), about(received)...)...)
}

func (c *Consumer[D]) count(status Status, events int, began time.Time) {
	labels := prometheus.Labels{"topic": c.TopicName, "outcome": string(status)}
	c.Metrics.EventsHandled.With(labels).Add(float64(events))
	c.Metrics.HandleSeconds.With(labels).Observe(time.Since(began).Seconds())
}

func (c *Consumer[D]) countDelay(envelope Envelope) {
	if envelope.Time != nil {
		c.Metrics.DeliveryDelay.WithLabelValues(c.TopicName).Observe(max(0, c.Now().Sub(*envelope.Time).Seconds()))
	}
}
