// Package dapr is the sidecar's HTTP API: invoke another service, read a secret, look at the sidecar itself.
//
// A dead peer, an open circuit and a dead sidecar all become PeerUnavailable: one thing to handle for callers. This client
// does not retry: Dapr's resiliency does, in one place.
package dapr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/neterr"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

const (
	maxConnections  = 400
	callTimeout     = 6 * time.Second
	lookTimeout     = time.Second
	largestResponse = 16 << 20
)

// Sidecar is safe for concurrent use.
type Sidecar struct {
	url    string
	token  string
	pubsub string
	http   *http.Client
	log    *slog.Logger
}

// New makes a client of the sidecar that the settings name.
func New(c config.Config, tracer *tracing.Tracer, log *slog.Logger) *Sidecar {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
		MaxConnsPerHost:     maxConnections,
		MaxIdleConnsPerHost: maxConnections,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true,
	}
	return &Sidecar{
		url: c.DaprURL, token: c.DaprToken, pubsub: c.PubSub, log: log,
		http: &http.Client{Transport: tracing.Transport{Base: transport, Tracer: tracer}, CheckRedirect: noRedirect},
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (s *Sidecar) do(ctx context.Context, timeout time.Duration, method, path, app string, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if s.token != "" {
		request.Header.Set("dapr-api-token", s.token)
	}
	if app != "" {
		request.Header.Set("dapr-app-id", app)
		tracing.Inject(ctx, request.Header)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := s.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }() // read whole below
	content, err := io.ReadAll(io.LimitReader(response.Body, largestResponse))
	return answer{response.StatusCode, response.Header, content}, err
}

// Invoke calls path of another app: a POST of body, or a GET where that is nil. Found is false for a 404. The error is
// PeerUnavailable for every other status and for a response that is no JSON object; the response's text is never part of it.
func (s *Sidecar) Invoke(
	ctx context.Context, app, path string, body any, timeout time.Duration,
) (object strictjson.Object, found bool, err error) {
	method, content := http.MethodGet, []byte(nil)
	if body != nil {
		method = http.MethodPost
		if content, err = json.Marshal(body); err != nil {
			return nil, false, err
		}
	}
	got, err := s.do(ctx, timeout, method, path, app, content)
	if err != nil {
		return nil, false, problem.Wrap(err, problem.PeerUnavailable, "%s: %s", app, neterr.Kind(err))
	}
	if code := got.daprError(); code != "" {
		if got.status == http.StatusForbidden {
			s.log.ErrorContext(ctx, "a peer's access policy refuses us", "peer", app)
		}
		return nil, false, problem.New(problem.PeerUnavailable, "%s: %s", app, code)
	}
	if got.brokeOff() {
		return nil, false, problem.New(problem.PeerUnavailable, "%s: died while it answered", app)
	}
	if got.status == http.StatusNotFound {
		return nil, false, nil
	}
	if got.status < 200 || got.status > 299 {
		refused := problem.New(problem.PeerUnavailable, "%s: %d for %s", app, got.status, path)
		refused.RetryAfter = pauseAsked(got.header)
		return nil, false, refused
	}
	if object, err = strictjson.Parse(got.body); err != nil {
		return nil, false, Unreadable(app, path, errors.New("no JSON object"))
	}
	return object, true, nil
}

// CallTimeout is for peers that are not waited for longer than usual.
const CallTimeout = callTimeout

// Unreadable is the error for a response whose members are not as the contract says.
func Unreadable(app, path string, err error) error {
	return problem.New(problem.PeerUnavailable, "%s: %s cannot be read: %s", app, path, err)
}

// Secret has the keys and values of a secret.
func (s *Sidecar) Secret(ctx context.Context, store, name string) (map[string]string, error) {
	got, err := s.do(ctx, callTimeout, http.MethodGet, "/v1.0/secrets/"+store+"/"+name, "", nil)
	if err != nil {
		return nil, problem.Wrap(err, problem.PeerUnavailable, "sidecar: %s", neterr.Kind(err))
	}
	if got.status != http.StatusOK {
		reason := got.daprError()
		if reason == "" {
			reason = strconv.Itoa(got.status)
		}
		return nil, problem.New(problem.PeerUnavailable, "secret %s: %s", name, reason)
	}
	var held map[string]string
	if json.Unmarshal(got.body, &held) != nil { // its text would quote the value
		return nil, problem.New(problem.PeerUnavailable, "secret %s: cannot be read", name)
	}
	return held, nil
}

// IsReady tells whether the sidecar's outbound API responds, which needs no app.
func (s *Sidecar) IsReady(ctx context.Context) bool {
	got, err := s.do(ctx, lookTimeout, http.MethodGet, "/v1.0/healthz/outbound", "", nil)
	return err == nil && got.status/100 == 2
}

// Metadata is what runs beside the app.
type Metadata struct {
	Version    string
	Components map[string]string // name → type
	Topics     map[string]bool   // that the sidecar has subscribed to
}

// Metadata asks the sidecar for its version, components and subscriptions.
func (s *Sidecar) Metadata(ctx context.Context) (Metadata, error) {
	got, err := s.do(ctx, lookTimeout, http.MethodGet, "/v1.0/metadata", "", nil)
	var told struct {
		RuntimeVersion string
		Components     []struct{ Name, Type string }
		Subscriptions  []struct{ PubsubName, Topic string }
	}
	if err == nil && got.status != http.StatusOK {
		err = fmt.Errorf("status %d", got.status)
	}
	if err == nil {
		err = json.Unmarshal(got.body, &told)
	}
	if err != nil {
		return Metadata{}, problem.Wrap(err, problem.PeerUnavailable, "sidecar: its metadata: %s", neterr.Kind(err))
	}
	found := Metadata{told.RuntimeVersion, map[string]string{}, map[string]bool{}}
	for _, each := range told.Components {
		found.Components[each.Name] = each.Type
	}
	for _, each := range told.Subscriptions {
		if each.PubsubName == s.pubsub {
			found.Topics[each.Topic] = true
		}
	}
	return found, nil
}

// daprError is the sidecar's own error code (ERR_…, DAPR_…), or empty when the answer is the peer's.
func (a answer) daprError() string {
	if a.status < 400 || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
		return ""
	}
	var told struct {
		ErrorCode string `json:"errorCode"`
	}
	if json.Unmarshal(a.body, &told) != nil {
		return ""
	}
	if strings.HasPrefix(told.ErrorCode, "ERR_") || strings.HasPrefix(told.ErrorCode, "DAPR_") {
		return told.ErrorCode
	}
	return ""
}

// brokeOff tells whether a success has no body, or JSON no end: daprd answers 200 and nothing else for an app that is killed
// in its answer.
func (a answer) brokeOff() bool {
	if a.status == http.StatusOK && len(a.body) == 0 {
		return true
	}
	return strings.Contains(a.header.Get("Content-Type"), "json") && !json.Valid(a.body)
}

func pauseAsked(header http.Header) int {
	asked, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil {
		return 1
	}
	return min(max(asked, 1), 60)
}
