package httpapi

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/event"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
)

const (
	mebibyte  = 1 << 20
	smallBody = 16 * 1024 // needs no place in memory but its connection's
)

var errClientGone = errors.New("the client disconnected in the middle of its body")

// lane is for requests of one kind. Own places are theirs alone; beyond them they take common ones. At most as many bodies of
// more than small bytes are in memory at once as large has room for, and one more waits for its turn.
type lane struct {
	name     string
	own      int
	maxBody  int64
	small    int64
	large    chan struct{}
	patience time.Duration
	metrics  *metrics.Metrics
}

// places are the requests that may be served at once: common ones, and those of each lane.
type places struct {
	metrics    *metrics.Metrics
	questions  *lane
	deliveries *lane
	visitors   *lane

	mutex     sync.Mutex
	free      int
	fullSince time.Time
}

func newPlaces(limits config.Limits, m *metrics.Metrics) *places {
	made := func(name string, own int, maxBody, small int64, large int, patience time.Duration) *lane {
		for _, reason := range []string{"capacity", "memory"} {
			m.Refused.WithLabelValues(name, reason)
		}
		return &lane{name, own, maxBody, small, make(chan struct{}, large), patience, m}
	}
	return &places{
		metrics:   m,
		free:      limits.Requests,
		questions: made("questions", math.MaxInt32, mebibyte, smallBody, 64, 0),
		// Less patience than the sidecar gives an event (dapr/resiliency).
		deliveries: made("deliveries", limits.DeliveryPlaces, event.LargestDelivery, mebibyte, 2, 4*time.Second),
		visitors:   made("visitors", 0, mebibyte, smallBody, 64, 0),
	}
}

func (p *places) lane(path string) *lane {
	switch {
	case strings.HasPrefix(path, "/dapr/"):
		return p.questions
	case isDelivery(path):
		return p.deliveries
	}
	return p.visitors
}

// take gives a place, which the caller leaves; Unavailable when there is none.
func (p *places) take(l *lane) (leave func(), err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	own := l.own > 0
	switch {
	case own:
		l.own--
	case p.free > 0:
		if p.free == 1 {
			p.fullSince = time.Now()
		}
		p.free--
	default:
		p.metrics.Refused.WithLabelValues(l.name, "capacity").Inc()
		return nil, problem.New(problem.Unavailable, "at capacity")
	}
	p.metrics.InFlight.Inc()
	return func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.metrics.InFlight.Dec()
		if own {
			l.own++
			return
		}
		p.free++
		p.fullSince = time.Time{}
	}, nil
}

// fullFor is how long no common place has been free; 0 while one is.
func (p *places) fullFor() time.Duration {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.fullSince.IsZero() {
		return 0
	}
	return time.Since(p.fullSince)
}

// read has the whole body. release gives its memory back and is to be called in any case.
func (l *lane) read(r *http.Request) (body []byte, release func(), err error) {
	release = func() {}
	if body, err = io.ReadAll(io.LimitReader(r.Body, l.small+1)); err != nil {
		return nil, release, errClientGone
	}
	if int64(len(body)) <= l.small {
		return body, release, nil
	}
	if release, err = l.turn(r); err != nil {
		return nil, func() {}, err
	}
	rest, err := io.ReadAll(io.LimitReader(r.Body, l.maxBody-int64(len(body))+1))
	if err != nil {
		return nil, release, errClientGone
	}
	if body = append(body, rest...); int64(len(body)) > l.maxBody {
		return nil, release, l.tooLarge()
	}
	return body, release, nil
}

func (l *lane) turn(r *http.Request) (release func(), err error) {
	over := time.NewTimer(l.patience)
	defer over.Stop()
	select {
	case l.large <- struct{}{}:
		return func() { <-l.large }, nil
	default:
	}
	select {
	case l.large <- struct{}{}:
		return func() { <-l.large }, nil
	case <-r.Context().Done():
		return nil, errClientGone
	case <-over.C:
		l.metrics.Refused.WithLabelValues(l.name, "memory").Inc()
		return nil, problem.New(problem.Unavailable, "too many large requests at once")
	}
}

func (l *lane) tooLarge() error {
	return problem.New(problem.BodyTooLarge, "at most %d bytes", l.maxBody)
}
