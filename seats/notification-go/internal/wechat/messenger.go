package wechat

import (
	"context"
	"errors"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/message"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

// Messenger sends messages of one mini program, in one state of it (developer, trial, formal).
type Messenger struct {
	transport *transport
	tokens    *tokens
	metrics   *metrics.Metrics
	state     string
	lang      string
}

// New makes a messenger without a secret: UseSecret gives it one.
func New(c config.Config, now func() time.Time, m *metrics.Metrics, tracer *tracing.Tracer) *Messenger {
	shared := newTransport(c, tracer)
	return &Messenger{
		transport: shared,
		tokens:    &tokens{transport: shared, metrics: m, now: now, appID: c.WeChat.AppID},
		metrics:   m, state: c.WeChat.State, lang: c.WeChat.Lang,
	}
}

// UseSecret takes the mini program's secret, at the start and whenever it is replaced.
func (m *Messenger) UseSecret(secret string) { m.tokens.use(secret) }

// GetReady fetches a token, so that an attempt is recorded only when it can be sent. The error is a NoToken.
func (m *Messenger) GetReady(ctx context.Context) error {
	_, err := m.tokens.current(ctx)
	return err
}

type sendRequest struct {
	ToUser     string       `json:"touser"`
	TemplateID string       `json:"template_id"`
	Data       message.Data `json:"data"`
	State      string       `json:"miniprogram_state"`
	Lang       string       `json:"lang"`
	Page       string       `json:"page,omitempty"`
}

// Send makes one attempt. WeChat refuses a stale token before it does anything: it is renewed and the send repeated, once.
func (m *Messenger) Send(ctx context.Context, text message.Message) task.Verdict {
	body := sendRequest{text.OpenID, text.TemplateID, text.Data, m.state, m.lang, text.Page}
	found, err := m.send(ctx, body)
	var failed *callError
	var noToken *NoToken
	switch {
	case errors.As(err, &noToken):
		return task.Verdict{Outcome: task.FailedForNow, Detail: noToken.Why}
	case errors.As(err, &failed) && !failed.maybeTaken:
		return task.Verdict{Outcome: task.FailedForNow, Detail: failed.why}
	case err != nil:
		return task.Verdict{Outcome: task.Unknown, Detail: err.Error()}
	}
	return m.verdict(found)
}

func (m *Messenger) send(ctx context.Context, body sendRequest) (answer, error) {
	const path = "/cgi-bin/message/subscribe/send"
	token, err := m.tokens.current(ctx)
	if err != nil {
		return answer{}, err
	}
	found, err := m.transport.post(ctx, path, body, token)
	if err != nil || found.Errcode == nil || errcodes[*found.Errcode].fault != faultToken {
		return found, err
	}
	if token, err = m.tokens.insteadOf(ctx, token); err != nil {
		return answer{}, err
	}
	return m.transport.post(ctx, path, body, token)
}

func (m *Messenger) verdict(found answer) task.Verdict {
	if found.Errcode == nil {
		return task.Verdict{Outcome: task.Unknown, Detail: "an answer without errcode"}
	}
	if *found.Errcode == codeOK {
		return task.Verdict{Outcome: task.Accepted, Detail: found.Errmsg, Errcode: found.Errcode}
	}
	about := meaningOf(*found.Errcode, m.metrics)
	outcome := task.FailedForNow
	switch about.fault {
	case faultUser:
		outcome = task.RefusedByUser
	case faultOurs:
		outcome = task.InvalidRequest
	}
	return task.Verdict{Outcome: outcome, Detail: found.Errmsg, Errcode: found.Errcode, Cause: about.cause}
}
