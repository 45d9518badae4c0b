package httpapi

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"github.com/minsu/minsu/seats/notification-go/internal/activity"
	"github.com/minsu/minsu/seats/notification-go/internal/deadletter"
	"github.com/minsu/minsu/seats/notification-go/internal/event"
)

const delivered = "/delivered/"

// ofCalls are what the sidecars add to an app's call, and to nothing else.
var ofCalls = []string{"dapr-caller-app-id", "dapr-callee-app-id", "dapr-caller-namespace"}

// isDelivery tells whether only the own subscriptions and cron bindings may come here. A call through the sidecars brings the
// same app token as a delivery does, so their routes begin with /delivered/<token>, which is known to this app and its own
// sidecar alone (docs/decisions/0011). In a cluster, where identities keep others out, there is none.
func isDelivery(path string) bool {
	return strings.HasPrefix(path, "/events/") || strings.HasPrefix(path, "/jobs/")
}

// unwrapped turns /delivered/<token>/events/x into /events/x with the proof noted.
func (s *Server) unwrapped(r *http.Request) *http.Request {
	rest, ok := strings.CutPrefix(r.URL.Path, delivered)
	if !ok || s.Config.DeliveryToken == "" {
		return r
	}
	given, path, _ := strings.Cut(rest, "/")
	if subtle.ConstantTimeCompare([]byte(given), []byte(s.Config.DeliveryToken)) != 1 || !isDelivery("/"+path) {
		return r
	}
	r = r.WithContext(context.WithValue(r.Context(), provenKey, true))
	r.URL = &url.URL{Path: "/" + path, RawQuery: r.URL.RawQuery}
	return r
}

// isForeign tells whether it is a delivery without the proof, or marked as a call. 403 and never 404, which a sidecar takes for
// "drop": with a token that does not match, events wait.
func (s *Server) isForeign(c *call) bool {
	if proven, _ := c.Context().Value(provenKey).(bool); proven { // whatever its headers: a message's own become headers too
		return false
	}
	path := c.URL.Path
	if strings.HasPrefix(path, delivered) || (s.Config.DeliveryToken != "" && isDelivery(path)) {
		return true
	}
	if !isDelivery(path) && !strings.HasPrefix(path, "/dapr/") {
		return false
	}
	for _, name := range ofCalls {
		if c.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// AddTopic takes batches of a topic at path.
func (s *Server) AddTopic(path string, topic event.Topic, noted event.Noted) {
	s.handle(http.MethodPost, path, func(ctx context.Context, c *call) (any, error) {
		return event.Take(ctx, topic, c.body, noted), nil
	})
}

type subscription struct {
	PubsubName string            `json:"pubsubname"`
	Topic      string            `json:"topic"`
	Route      string            `json:"route"`
	Metadata   map[string]string `json:"metadata"`
}

// raw: the sidecar hands letters over unread. One that it cannot read either would hold up those behind it.
var raw = map[string]string{"rawPayload": "true"}

// AddDeadLetters takes the dead letters of every topic, and announces these subscriptions to the sidecar.
func (s *Server) AddDeadLetters(letters *deadletter.Letters) {
	var announced []subscription
	for _, each := range letters.Topics {
		topic := each.Topic()
		path := "/events/dead-letters/" + topic
		announced = append(announced, subscription{s.Config.PubSub, letters.TopicOf(topic), path, raw})
		s.handle(http.MethodPost, path, func(ctx context.Context, c *call) (any, error) {
			return map[string]event.Status{"status": event.Success}, letters.Keep(ctx, topic, c.body)
		})
	}
	s.handle(http.MethodGet, "/dapr/subscribe", func(context.Context, *call) (any, error) { return announced, nil })
}

// AddJob runs a job at each tick of its cron binding. run returns the number of rows that it took.
func (s *Server) AddJob(name string, noted *activity.Activity, run func(context.Context) (int, error)) {
	s.handle(http.MethodPost, "/jobs/"+name, func(ctx context.Context, _ *call) (any, error) {
		claimed, err := noted.Tick(name, func() (int, error) { return run(ctx) })
		return map[string]int{"claimed": claimed}, err
	})
}

// Jobs are the names of the cron bindings that were added.
func (s *Server) Jobs() []string {
	var names []string
	for path := range s.routes {
		if name, ok := strings.CutPrefix(path, "/jobs/"); ok {
			names = append(names, name)
		}
	}
	return names
}
