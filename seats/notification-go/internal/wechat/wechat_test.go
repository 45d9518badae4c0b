package wechat

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/message"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

// api plays WeChat: tokens T1, T2, … of which only the newest is valid; send responds to a message with a valid one.
type api struct {
	send http.HandlerFunc

	mutex  sync.Mutex
	issued int
	forced int
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if strings.HasSuffix(r.URL.Path, "/stable_token") {
		var body struct {
			Force bool `json:"force_refresh"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		if body.Force {
			a.forced++
		}
		if body.Force || a.issued == 0 {
			a.issued++
		}
		_, _ = fmt.Fprintf(w, `{"access_token": "T%d", "expires_in": 7200}`, a.issued)
		return
	}
	if r.URL.Query().Get("access_token") != fmt.Sprintf("T%d", a.issued) {
		_, _ = fmt.Fprint(w, `{"errcode": 40001, "errmsg": "not the latest"}`)
		return
	}
	a.send(w, r)
}

func messenger(t *testing.T, handler http.Handler) *Messenger {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c := config.Config{WeChat: config.WeChat{BaseURL: server.URL, AppID: "wx0", Timeout: 300 * time.Millisecond}}
	c.Messages.Parallel, c.Messages.ParallelRetries = 4, 4
	return New(c, time.Now, metrics.New(), tracing.Off())
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, text) }
}

// silence lasts until the client has gone, which the server notices once it has read the body.
func silence(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestWhatAResponseMeans(t *testing.T) {
	tests := map[string]struct {
		send    http.HandlerFunc
		outcome task.Outcome
		cause   string
	}{
		"taken":         {says(`{"errcode": 0, "errmsg": "ok"}`), task.Accepted, ""},
		"refused":       {says(`{"errcode": 43101, "errmsg": "user refuse"}`), task.RefusedByUser, "user-refused"},
		"our error":     {says(`{"errcode": 47003, "errmsg": "argument"}`), task.InvalidRequest, "invalid-argument"},
		"busy":          {says(`{"errcode": -1, "errmsg": "busy"}`), task.FailedForNow, "busy"},
		"not listed":    {says(`{"errcode": 12345}`), task.FailedForNow, "unknown-errcode"},
		"no errcode":    {says(`{"errmsg": "ok"}`), task.Unknown, ""},
		"no JSON":       {says(`<html>`), task.Unknown, ""},
		"too large":     {says(`{"errcode": 4294967296}`), task.Unknown, ""},
		"server error":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, task.Unknown, ""},
		"not found":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, task.FailedForNow, ""},
		"broken off":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, task.Unknown, ""},
		"never answers": {silence, task.Unknown, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			verdict := messenger(t, &api{send: test.send}).Send(context.Background(), message.Message{OpenID: "o"})
			if verdict.Outcome != test.outcome || verdict.Cause != test.cause {
				t.Errorf("%+v, want %s %q", verdict, test.outcome, test.cause)
			}
			if strings.Contains(verdict.Detail, "T1") {
				t.Errorf("the detail holds the access token: %s", verdict.Detail)
			}
		})
	}
}

func TestWhatNeverLeftIsNotInDoubt(t *testing.T) {
	m := messenger(t, &api{send: says(`{"errcode": 0}`)})
	if err := m.GetReady(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.transport.base = "http://127.0.0.1:1"
	if verdict := m.Send(context.Background(), message.Message{}); verdict.Outcome != task.FailedForNow {
		t.Errorf("%+v", verdict)
	}
}

func TestAStaleTokenIsForcedOnceForAll(t *testing.T) {
	wechat := &api{send: says(`{"errcode": 0}`)}
	m := messenger(t, wechat)
	if err := m.GetReady(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.tokens.mutex.Lock()
	m.tokens.token = "T0" // as if another replica had forced a new one
	m.tokens.mutex.Unlock()
	wechat.issued = 0 // and WeChat gives the stale one out again, until it is forced
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if verdict := m.Send(context.Background(), message.Message{}); verdict.Outcome != task.Accepted {
				t.Errorf("%+v", verdict)
			}
		})
	}
	group.Wait()
	if wechat.forced > 1 {
		t.Errorf("forced %d times", wechat.forced)
	}
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	m := messenger(t, says(`{"errcode": 40125, "errmsg": "invalid appsecret"}`))
	if err := m.GetReady(context.Background()); err == nil || err.Error() != "token: 40125 invalid appsecret" {
		t.Errorf("%v", err)
	}
	verdict := m.Send(context.Background(), message.Message{})
	if verdict.Outcome != task.FailedForNow || verdict.Errcode != nil {
		t.Errorf("%+v", verdict)
	}
}
