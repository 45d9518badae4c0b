package tracing

import (
	"context"
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Off is a tracer that records nothing.
func Off() *Tracer { return &Tracer{tracer: noop.NewTracerProvider().Tracer("")} }

// Start exports spans by OTLP over HTTP; where to, how often and which share of them the variables OTEL_EXPORTER_OTLP_…,
// OTEL_BSP_… and OTEL_TRACES_SAMPLER… say, which the SDK reads itself. The returned function sends what is left.
func Start(ctx context.Context, service string) (*Tracer, func(context.Context) error, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(exporter),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", service))),
	)
	return &Tracer{tracer: provider.Tracer("minsu"), Recording: true}, provider.Shutdown, nil
}

// Transport records a span for each call of a client, by host and path alone: queries hold tokens.
type Transport struct {
	Base   http.RoundTripper
	Tracer *Tracer
}

// RoundTrip does one call and adds the context to its headers.
func (t Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if !t.Tracer.Recording {
		return t.Base.RoundTrip(request)
	}
	shown := *request.URL
	shown.RawQuery, shown.User = "", nil
	name := request.Method
	attributes := []attribute.KeyValue{
		attribute.String("http.request.method", request.Method), attribute.String("url.full", shown.String()),
		attribute.String("server.address", shown.Hostname()),
	}
	if peer := request.Header.Get("dapr-app-id"); peer != "" {
		name += " " + shown.Path
		attributes = append(attributes, attribute.String("peer.service", peer))
	}
	parent := trace.SpanContextFromContext(request.Context())
	ctx, span := t.Tracer.Begin(request.Context(), name, parent, trace.SpanKindClient, nil, attributes...)
	defer span.End()
	request = request.Clone(ctx)
	if request.Header.Get("traceparent") != "" { // a call of ours through the sidecar; WeChat gets no header of ours
		Inject(ctx, request.Header)
	}
	response, err := t.Base.RoundTrip(request)
	if err != nil {
		Fail(span, fmt.Sprintf("%T", err))
		return nil, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", response.StatusCode))
	return response, nil
}
