package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Off is a tracer that records nothing.
func Off() *Tracer { return &Tracer{tracer: noop.NewTracerProvider().Tracer("")} }

// mostLinks is more than come together in one batch. The SDK keeps 128 by itself, and the other traces would end before it.
const mostLinks = 2048

// Start exports spans by OTLP over HTTP; where to and how often the variables OTEL_EXPORTER_OTLP_… and OTEL_BSP_… say, which
// the SDK reads itself. OTEL_TRACES_SAMPLER_ARG (0 … 1, default 1) is the share of the traces that begin here. The returned
// function sends what is left.
func Start(ctx context.Context, service string) (*Tracer, func(context.Context) error, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	ratio := 1.0
	if given := os.Getenv("OTEL_TRACES_SAMPLER_ARG"); given != "" {
		if ratio, err = strconv.ParseFloat(given, 64); err != nil {
			return nil, nil, errors.New("setting OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1")
		}
	}
	limits := sdk.NewSpanLimits()
	limits.LinkCountLimit = mostLinks
	provider := sdk.NewTracerProvider(
		sdk.WithSampler(sampler{sdk.TraceIDRatioBased(ratio)}),
		sdk.WithRawSpanLimits(limits),
		sdk.WithBatcher(exporter),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", service))),
	)
	return &Tracer{tracer: provider.Tracer("minsu"), Recording: true}, provider.Shutdown, nil
}

// sampler decides as the Python services do: what the caller or an event of a batch decided, else a share of the traces that
// begin here. A background loop's call is no trace.
type sampler struct{ share sdk.Sampler }

func (s sampler) ShouldSample(parameters sdk.SamplingParameters) sdk.SamplingResult {
	parent := trace.SpanContextFromContext(parameters.ParentContext)
	sampled := false
	switch {
	case parent.IsValid():
		sampled = parent.IsSampled()
	case parameters.Kind == trace.SpanKindClient:
	case len(parameters.Links) > 0 && parameters.Kind != trace.SpanKindServer: // a server's link is a stranger's
		sampled = slices.ContainsFunc(parameters.Links, func(each trace.Link) bool { return each.SpanContext.IsSampled() })
	default:
		return s.share.ShouldSample(parameters)
	}
	decision := sdk.Drop
	if sampled {
		decision = sdk.RecordAndSample
	}
	return sdk.SamplingResult{Decision: decision, Attributes: parameters.Attributes, Tracestate: parent.TraceState()}
}

// Description is what the SDK shows of it.
func (s sampler) Description() string { return "AsDecided(" + s.share.Description() + ")" }

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
