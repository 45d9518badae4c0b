package wechat

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
)

const (
	// WeChat issues a new token in the last five minutes of the old one; both are valid then.
	renewBefore = 4 * time.Minute
	// Forcing is allowed 20 times a day, 30 seconds apart.
	forcePause = 30 * time.Second
)

// NoToken says why no access token is available; it holds no secret.
type NoToken struct{ Why string }

func (n *NoToken) Error() string { return n.Why }

// tokens is the access token, shared by all sends: fetched once for concurrent callers, renewed before it expires. Without
// force_refresh WeChat returns the same token to every replica. Forcing a new one invalidates the old, and is the last resort.
type tokens struct {
	transport *transport
	metrics   *metrics.Metrics
	now       func() time.Time
	appID     string
	flights   singleflight.Group

	mutex    sync.Mutex
	secret   string
	token    string
	renewAt  time.Time
	forcedAt time.Time
	forcing  bool
}

func (t *tokens) use(secret string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.secret = secret
}

// current is the token for every request. The error is a NoToken.
func (t *tokens) current(ctx context.Context) (string, error) {
	t.mutex.Lock()
	token, valid := t.token, t.now().Before(t.renewAt)
	t.mutex.Unlock()
	if valid {
		return token, nil
	}
	return t.fetchOnce(ctx, false)
}

// insteadOf is a token other than the stale one: one that another send has fetched, WeChat's latest, or a forced one.
func (t *tokens) insteadOf(ctx context.Context, stale string) (string, error) {
	t.mutex.Lock()
	isLast, forcing := t.token == stale, t.forcing
	if isLast && !forcing {
		t.renewAt = time.Time{}
	}
	t.mutex.Unlock()
	if isLast && forcing {
		return t.fetchOnce(ctx, true)
	}
	token, err := t.current(ctx)
	if err != nil || token != stale {
		return token, err
	}
	t.mutex.Lock()
	tooSoon := !t.forcing && t.now().Sub(t.forcedAt) < forcePause
	t.mutex.Unlock()
	if tooSoon {
		return "", &NoToken{"a new token was forced less than 30 seconds ago"}
	}
	return t.fetchOnce(ctx, true)
}

// fetchOnce shares one request among all callers; the end of one caller does not end it.
func (t *tokens) fetchOnce(ctx context.Context, force bool) (string, error) {
	flight := t.flights.DoChan(fmt.Sprint(force), func() (any, error) {
		return t.fetch(context.WithoutCancel(ctx), force)
	})
	select {
	case <-ctx.Done():
		return "", &NoToken{"token: " + ctx.Err().Error()}
	case done := <-flight:
		token, _ := done.Val.(string)
		return token, done.Err
	}
}

func (t *tokens) fetch(ctx context.Context, force bool) (string, error) {
	askedAt := t.now()
	secret := t.start(force, askedAt)
	defer t.end(force)
	body := map[string]any{
		"grant_type": "client_credential", "appid": t.appID, "secret": secret, "force_refresh": force,
	}
	found, err := t.transport.post(ctx, "/cgi-bin/stable_token", body, "")
	if err != nil {
		return "", &NoToken{"token: " + err.Error()}
	}
	if found.Errcode != nil && *found.Errcode != codeOK {
		meaningOf(*found.Errcode, t.metrics)
		return "", &NoToken{fmt.Sprintf("token: %d %s", *found.Errcode, found.Errmsg)}
	}
	if found.AccessToken == "" {
		return "", &NoToken{"token: none in the answer"}
	}
	life := time.Duration(found.ExpiresIn) * time.Second
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.token, t.renewAt = found.AccessToken, askedAt.Add(max(life-renewBefore, life/2))
	return t.token, nil
}

func (t *tokens) start(force bool, now time.Time) (secret string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if force {
		t.forcing, t.forcedAt = true, now
	}
	return t.secret
}

func (t *tokens) end(force bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if force {
		t.forcing = false
	}
}
