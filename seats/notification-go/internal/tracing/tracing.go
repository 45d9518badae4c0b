// Package tracing carries W3C trace contexts through requests, events and rows, and begins spans. Without an exporter no
// span is recorded: a context is passed on as it came, and a new one gives the log lines of a request their id.
//
// Attributes hold no text of an error, no header, no query and no body: any of them may quote a person or a secret.
package tracing

import (
	"context"
	"crypto/rand"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Context is a span's context as headers, events and rows hold it; empty where there is none.
type Context struct {
	Traceparent string
	Tracestate  string
}

// TraceID has 32 hex digits; empty without a context.
func (c Context) TraceID() string {
	if len(c.Traceparent) < 35 {
		return ""
	}
	return c.Traceparent[3:35]
}

// Span is the context as OpenTelemetry has it; invalid for what is no traceparent.
func (c Context) Span() trace.SpanContext {
	carrier := propagation.MapCarrier{"traceparent": c.Traceparent, "tracestate": c.Tracestate}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// PassedOn is the context for the rows that follow from an event: as it came, or of a new trace.
func (c Context) PassedOn() Context {
	if span := c.Span(); span.IsValid() {
		return written(span)
	}
	return written(fresh())
}

func written(span trace.SpanContext) Context {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), span), carrier)
	return Context{carrier["traceparent"], carrier["tracestate"]}
}

// Current is the context of the current span, for rows that are written now.
func Current(ctx context.Context) Context {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return Context{}
	}
	return written(span)
}

// ID is the current trace's id, 32 hex digits; empty outside of one.
func ID(ctx context.Context) string {
	span := trace.SpanContextFromContext(ctx)
	if !span.HasTraceID() {
		return ""
	}
	return span.TraceID().String()
}

// Inject adds the current context to the headers of a call.
func Inject(ctx context.Context, header http.Header) {
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(header))
}

// Of reads the context that a request's headers bring.
func Of(header http.Header) Context {
	return Context{header.Get("traceparent"), header.Get("tracestate")}
}

// Tracer begins spans. Recording says whether an exporter takes them.
type Tracer struct {
	tracer    trace.Tracer
	Recording bool
}

// Begin starts a span below parent, or of a new trace where that is invalid. The caller ends it.
func (t *Tracer) Begin(
	ctx context.Context, name string, parent trace.SpanContext, kind trace.SpanKind, links []trace.SpanContext,
	attributes ...attribute.KeyValue,
) (context.Context, trace.Span) {
	if !t.Recording {
		if !parent.IsValid() {
			parent = fresh()
		}
		ctx = trace.ContextWithSpanContext(ctx, parent)
		return ctx, trace.SpanFromContext(ctx)
	}
	ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	options := []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attributes...)}
	for _, each := range links {
		if each.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: each}))
		}
	}
	return t.tracer.Start(ctx, name, options...)
}

// Batch starts one span of work on what came in several traces: in a trace of its own with a link to each, or, for one
// alone, a step of its trace.
func (t *Tracer) Batch(
	ctx context.Context, name string, contexts []trace.SpanContext, kind trace.SpanKind, attributes ...attribute.KeyValue,
) (context.Context, trace.Span) {
	if len(contexts) == 1 && contexts[0].IsValid() {
		return t.Begin(ctx, name, contexts[0], kind, nil, attributes...)
	}
	return t.Begin(ctx, name, trace.SpanContext{}, kind, contexts, attributes...)
}

// Fail marks a span as failed, by the kind of its error alone.
func Fail(span trace.Span, kind string) {
	span.SetAttributes(attribute.String("error.type", kind))
	span.SetStatus(codes.Error, "")
}

// fresh is a trace of our own that no one samples.
func fresh() trace.SpanContext {
	var config trace.SpanContextConfig
	_, _ = rand.Read(config.TraceID[:]) // crypto/rand does not fail
	_, _ = rand.Read(config.SpanID[:])
	return trace.NewSpanContext(config)
}
