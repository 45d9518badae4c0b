// Package httpapi is the HTTP edge: probes, deliveries and jobs of the own sidecar, internal methods for other apps, and the
// operators' endpoints.
package httpapi

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/security"
	"github.com/minsu/minsu/seats/notification-go/internal/text"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

const (
	unrouted     = "unrouted"
	retryUnknown = 5 // seconds, for a delivery whose path this build does not know
)

// Base is what every part of the edge works with.
type Base struct {
	Config    config.Config
	Log       *slog.Logger
	Metrics   *metrics.Metrics
	Tracer    *tracing.Tracer
	Security  *security.Log
	Catalogue *text.Catalogue
}

// Server serves the routes that were added to it. Routes are added before the first request.
type Server struct {
	Base
	routes map[string]route
	places *places
}

type route struct {
	method string
	handle func(context.Context, *call) (any, error)
}

// call is one request whose body has been read whole.
type call struct {
	*http.Request
	body      []byte
	bySidecar bool
	userID    int64 // once the caller is known
}

// New makes a server without routes.
func New(base Base) *Server {
	s := &Server{Base: base, routes: map[string]route{}}
	s.places = newPlaces(base.Config.Limits, base.Metrics)
	return s
}

// handle adds a route: of exactly this path, as the guards look at it. A handler returns what is written as JSON, or a problem.
func (s *Server) handle(method, path string, handler func(context.Context, *call) (any, error)) {
	s.routes[path] = route{method, handler}
}

type key int

const provenKey key = iota

// ServeHTTP guards the sidecar's paths by its token, waits for the whole body and for a place, measures and traces.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if probe, ok := s.routes[r.URL.Path]; ok && isProbe(r.URL.Path) {
		s.respond(w, r, probe, &call{Request: r})
		return
	}
	r = s.unwrapped(r)
	shown := subtle.ConstantTimeCompare([]byte(r.Header.Get("dapr-api-token")), []byte(s.Config.AppToken)) == 1
	ctx, span := s.begin(r, shown)
	defer span.End()
	answer := &recorder{ResponseWriter: w}
	answer.Header().Set("Trace-Id", tracing.ID(ctx))
	s.admit(answer, &call{Request: r.WithContext(ctx), bySidecar: shown})
	s.end(span, r, answer)
}

func isProbe(path string) bool { return path == "/livez" || path == "/readyz" || path == "/metrics" }

// admit refuses what must not come in, reads the body and takes a place.
func (s *Server) admit(w *recorder, c *call) {
	lane := s.places.lane(c.URL.Path)
	if refusal := s.refusal(c, lane); refusal != nil {
		s.refuse(w, c, refusal)
		return
	}
	body, release, err := lane.read(c.Request)
	defer release()
	if err != nil {
		s.refuse(w, c, err)
		return
	}
	leave, err := s.places.take(lane)
	if err != nil {
		s.refuse(w, c, err)
		return
	}
	defer leave()
	c.body = body
	began := time.Now()
	s.serve(w, c)
	s.observe(c.Request, w, time.Since(began))
}

func (s *Server) serve(w *recorder, c *call) {
	if s.isForeign(c) {
		s.Log.WarnContext(c.Context(), "refused: no delivery of this app's own sidecar")
		s.render(w, c, problem.New(problem.Forbidden, "only this app's own subscriptions and bindings come here"))
		return
	}
	found, ok := s.routes[c.URL.Path]
	if ok {
		w.route = c.URL.Path
	}
	switch {
	case ok && found.method == c.Method:
		s.respond(w, c.Request, found, c)
	case isDelivery(c.URL.Path): // any method: a 404 or 405 the sidecar would take for "drop"
		s.Metrics.UnknownDelivery.WithLabelValues(c.URL.Path[:min(len(c.URL.Path), 120)]).Inc()
		s.Log.ErrorContext(c.Context(), "a delivery for a path that this build does not have", "path", c.URL.Path)
		later := problem.New(problem.Unavailable, "this build has no such path")
		later.RetryAfter = retryUnknown
		s.render(w, c, later)
	case ok:
		w.Header().Set("Allow", found.method)
		s.render(w, c, problem.New(problem.MethodNotAllowed, "Method Not Allowed"))
	default:
		s.render(w, c, problem.New(problem.NotFound, "no such path"))
	}
}

// respond runs a handler; a panic of its is a 500, and the process goes on.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, found route, c *call) {
	defer func() {
		if fault := recover(); fault != nil {
			s.Log.ErrorContext(r.Context(), "unexpected error", "route", c.URL.Path,
				"error", fmt.Sprintf("%T", fault), "stack", string(debug.Stack()))
			s.render(w, c, problem.New(problem.Server, "an unexpected error; the log has it under the trace id"))
		}
	}()
	value, err := found.handle(r.Context(), c)
	if err != nil {
		s.render(w, c, err)
		return
	}
	if raw, ok := value.(plain); ok {
		w.Header().Set("Content-Type", raw.contentType)
		_, _ = w.Write(raw.content) // no client left to tell of an error
		return
	}
	content, err := json.Marshal(value)
	if err != nil {
		s.render(w, c, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(content) // no client left to tell of an error
}

// plain is a response that is no JSON.
type plain struct {
	contentType string
	content     []byte
}

func (s *Server) refusal(c *call, lane *lane) error {
	if isSidecarOnly(c.URL.Path) && !c.bySidecar {
		return problem.New(problem.NotTheSidecar, "only this service's own sidecar may call this path")
	}
	for _, name := range []string{"authorization", "idempotency-key", "content-type"} {
		// Where two differ, one part of us would go by the first and another by the last.
		if len(c.Header.Values(name)) > 1 {
			refused := problem.New(problem.RepeatedHeader, "more than one %s", name)
			refused.Field = name
			return refused
		}
	}
	if c.ContentLength > lane.maxBody {
		return lane.tooLarge()
	}
	return nil
}

// refuse is counted with no duration: no route is found for it yet. Its span is no failure, whatever the status.
func (s *Server) refuse(w *recorder, c *call, refusal error) {
	w.refused = true
	if errors.Is(refusal, errClientGone) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.render(w, c, refusal)
	s.observe(c.Request, w, 0)
}

func (s *Server) observe(r *http.Request, w *recorder, took time.Duration) {
	s.Metrics.RequestSeconds.WithLabelValues(methodOf(r), w.routeName(), strconv.Itoa(w.status)).Observe(took.Seconds())
}

// begin starts the request's span. Only the own sidecar's context is continued: a stranger's would decide what is recorded
// here, and is linked to.
func (s *Server) begin(r *http.Request, bySidecar bool) (context.Context, trace.Span) {
	sent := tracing.Of(r.Header).Span()
	if bySidecar {
		return s.Tracer.Begin(r.Context(), methodOf(r), sent, trace.SpanKindServer, nil)
	}
	return s.Tracer.Begin(r.Context(), methodOf(r), trace.SpanContext{}, trace.SpanKindServer, []trace.SpanContext{sent})
}

// end names the span by the conventions for HTTP servers; never the path, the query or a header, which may hold a secret.
func (s *Server) end(span trace.Span, r *http.Request, w *recorder) {
	if !span.IsRecording() {
		return
	}
	span.SetName(methodOf(r) + " " + w.routeName())
	span.SetAttributes(attribute.String("http.request.method", methodOf(r)), attribute.String("http.route", w.routeName()),
		attribute.String("url.scheme", "http"), attribute.Int("http.response.status_code", w.status))
	if w.status >= 500 && !w.refused {
		tracing.Fail(span, strconv.Itoa(w.status))
	}
}

// methodOf is _OTHER for all that is none of HTTP's own: a stranger's words would each be a series.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions:
		return r.Method
	}
	return "_OTHER"
}

func isSidecarOnly(path string) bool {
	return isDelivery(path) || strings.HasPrefix(path, "/internal/") || strings.HasPrefix(path, "/dapr/")
}

// recorder notes the status and the route of a response.
type recorder struct {
	http.ResponseWriter
	status  int
	route   string
	refused bool
}

func (w *recorder) routeName() string {
	if w.route == "" {
		return unrouted
	}
	return w.route
}

func (w *recorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(content []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(content)
}
