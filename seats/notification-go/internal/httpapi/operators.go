package httpapi

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/auth"
	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
)

const operations = "/notification/v1/ops/"

// ok is every success of an endpoint for clients.
type ok struct {
	Code int    `json:"code"`
	Msg  string `json:"msg"`
	Data any    `json:"data"`
}

// operators lets signed-in operators in, each at a bounded pace.
type operators struct {
	server   *Server
	verifier *auth.Verifier
	pace     *userPace
}

// handle adds an operators' endpoint: read the body, know the caller, then run.
func (o *operators) handle(name string, run func(context.Context, *form, int64) (any, error)) {
	o.server.handle(http.MethodPost, operations+name, func(ctx context.Context, c *call) (any, error) {
		body, err := formOf(c)
		if err != nil {
			return nil, err
		}
		caller, err := o.verifier.Principal(ctx, c.Header.Get("Authorization"))
		if err != nil {
			return nil, err
		}
		c.userID = caller.UserID
		if err := o.pace.take(caller.UserID); err != nil {
			return nil, err
		}
		if err := caller.Require("operator"); err != nil {
			return nil, err
		}
		data, err := run(ctx, body, caller.UserID)
		if err != nil {
			return nil, err
		}
		return ok{http.StatusOK, "OK", data}, nil
	})
}

const mostUsers = 65_536

// userPace counts the requests of each user in windows that begin with their first, in this process.
type userPace struct {
	rate config.Rate

	mutex   sync.Mutex
	windows map[int64]window
}

type window struct {
	until time.Time
	count int
}

func newUserPace(rate config.Rate) *userPace {
	return &userPace{rate: rate, windows: map[int64]window{}}
}

// take counts one more request; RateLimited where that is too many.
func (p *userPace) take(userID int64) error {
	if p.rate.Requests == 0 {
		return nil
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	now := time.Now()
	current, known := p.windows[userID]
	if !known && len(p.windows) >= mostUsers {
		clear(p.windows) // so many users at once get a new window each
	}
	if !now.Before(current.until) {
		current = window{until: now.Add(p.rate.Window)}
	}
	current.count++
	p.windows[userID] = current
	if current.count <= p.rate.Requests {
		return nil
	}
	refused := problem.New(problem.RateLimited, "user: %s", p.rate.Text)
	refused.RetryAfter = max(1, int(math.Ceil(current.until.Sub(now).Seconds())))
	return refused
}
