package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/minsu/minsu/seats/notification-go/internal/dapr"
	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
)

// Readiness tells whether this replica can serve.
type Readiness struct {
	Sidecar *dapr.Sidecar
	DB      *pg.Database
	Topics  []string // that the sidecar has to have subscribed to
	server  *Server
}

// Check returns Unavailable, which says what is missing.
func (r *Readiness) Check(ctx context.Context) error {
	if full := r.server.places.fullFor(); full > r.server.Config.Limits.Capacity {
		return problem.New(problem.Unavailable, "at capacity for %.0f s: no request ends", full.Seconds())
	}
	if !r.Sidecar.IsReady(ctx) {
		return problem.New(problem.Unavailable, "the sidecar does not answer")
	}
	missing, err := r.missing(ctx)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return problem.New(problem.Unavailable, "the sidecar does not read %s", strings.Join(missing, ", "))
	}
	return r.DB.Ping(ctx)
}

func (r *Readiness) missing(ctx context.Context) ([]string, error) {
	found, err := r.Sidecar.Metadata(ctx)
	if err != nil {
		return r.Topics, err
	}
	var missing []string
	for _, topic := range r.Topics {
		if !found.Topics[topic] {
			missing = append(missing, topic)
		}
	}
	slices.Sort(missing)
	return missing, nil
}

// Measure sets the gauges. A sidecar that does not respond reads no topic.
func (r *Readiness) Measure(ctx context.Context) error {
	missing, err := r.missing(ctx)
	for _, topic := range r.Topics {
		r.server.Metrics.SubscriptionMissing.WithLabelValues(topic).Set(asGauge(slices.Contains(missing, topic)))
	}
	if err == nil {
		err = r.Check(ctx)
	}
	r.server.Metrics.Ready.Set(asGauge(err == nil))
	return err
}

func asGauge(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// AddHealth adds /livez, /readyz and /metrics. A database or broker outage must not get the process killed or unsubscribed:
// /livez looks at nothing.
func (s *Server) AddHealth(readiness *Readiness) {
	readiness.server = s
	state := func(name string) map[string]string { return map[string]string{"state": name} }
	s.handle(http.MethodGet, "/livez", func(context.Context, *call) (any, error) { return state("alive"), nil })
	s.handle(http.MethodGet, "/readyz", func(ctx context.Context, _ *call) (any, error) {
		return state("ready"), readiness.Check(ctx)
	})
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	s.handle(http.MethodGet, "/metrics", func(context.Context, *call) (any, error) {
		families, err := s.Metrics.Gather()
		if err != nil {
			return nil, err
		}
		var page bytes.Buffer
		encoder := expfmt.NewEncoder(&page, format)
		for _, each := range families {
			if err := encoder.Encode(each); err != nil {
				return nil, err
			}
		}
		return plain{string(format), page.Bytes()}, nil
	})
}

// MeasureTimers observes how late a timer fires, one each second, until ctx ends.
func (s *Server) MeasureTimers(ctx context.Context) {
	for {
		due := time.Now().Add(time.Second)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
			s.Metrics.TimerLag.Observe(max(0, time.Since(due).Seconds()))
		}
	}
}
