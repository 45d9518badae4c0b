// Package app is what the service is made of, wired in one place, and its life from start to end.
package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/activity"
	"github.com/minsu/minsu/seats/notification-go/internal/audit"
	"github.com/minsu/minsu/seats/notification-go/internal/auth"
	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/dapr"
	"github.com/minsu/minsu/seats/notification-go/internal/deadletter"
	"github.com/minsu/minsu/seats/notification-go/internal/delivery"
	"github.com/minsu/minsu/seats/notification-go/internal/event"
	"github.com/minsu/minsu/seats/notification-go/internal/httpapi"
	"github.com/minsu/minsu/seats/notification-go/internal/message"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/operate"
	"github.com/minsu/minsu/seats/notification-go/internal/peer"
	"github.com/minsu/minsu/seats/notification-go/internal/personaldata"
	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/planning"
	"github.com/minsu/minsu/seats/notification-go/internal/security"
	"github.com/minsu/minsu/seats/notification-go/internal/store"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
	"github.com/minsu/minsu/seats/notification-go/internal/text"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
	"github.com/minsu/minsu/seats/notification-go/internal/upkeep"
	"github.com/minsu/minsu/seats/notification-go/internal/wechat"
)

// Name is the app-id.
const Name = "notification"

// jitter is the share of a pause by which it varies, so that messages that failed together are not retried together.
const jitter = 0.25

type parts struct {
	config    config.Config
	log       *slog.Logger
	now       func() time.Time
	metrics   *metrics.Metrics
	db        *pg.Database
	rotation  *rotation
	couriers  delivery.Couriers
	letters   *deadletter.Letters
	replicas  activity.Replicas
	ages      upkeep.Ages
	audit     *audit.Audit
	readiness *httpapi.Readiness
	server    *httpapi.Server
}

func wire(ctx context.Context, c config.Config, log *slog.Logger, tracer *tracing.Tracer) (*parts, error) {
	p := &parts{config: c, log: log, now: func() time.Time { return time.Now().UTC() }, metrics: metrics.New()}
	catalogue, err := text.Load()
	if err != nil {
		return nil, err
	}
	texts, err := message.NewTexts(catalogue, c)
	if err != nil {
		return nil, err
	}
	if p.db, err = pg.Open(ctx, c.Database, p.metrics); err != nil {
		return nil, err
	}
	noted, err := activity.New(p.now, c.AppPort, c.Version)
	if err != nil {
		return nil, err
	}
	securityLog := security.New(log, p.metrics)
	sidecar := dapr.New(c, tracer, log)
	messenger := wechat.New(c, p.now, p.metrics, tracer)
	p.rotation = &rotation{
		sidecar: sidecar, store: c.SecretStore, use: messenger.UseSecret, metrics: p.metrics, security: securityLog, log: log,
	}
	policy := task.Policy{
		MaxAttempts: int32(c.Messages.MaxAttempts), GiveUpAfter: c.Messages.GiveUpAfter,
		Backoff: task.Backoff{First: c.Messages.FirstPause, Longest: c.Messages.LongestPause, Jitter: jitter},
	}
	reports := &delivery.Reports{Log: log, Metrics: p.metrics}
	attempts := &delivery.Attempts{DB: p.db, Now: p.now, Policy: policy, Reports: reports}
	deliver := (&delivery.Delivery{
		Attempts: attempts, Orders: peer.Orders{Sidecar: sidecar}, Users: peer.Users{Sidecar: sidecar, AppID: c.WeChat.AppID},
		Messenger: messenger, Templates: message.Templates{Settings: c.Messages, Texts: texts},
		Log: log, Metrics: p.metrics, Tracer: tracer,
	}).Deliver
	claim := func(order store.ClaimOrder) func(context.Context, int) ([]task.Claim, error) {
		return func(ctx context.Context, limit int) ([]task.Claim, error) { return attempts.Claim(ctx, order, limit) }
	}
	p.couriers = delivery.Couriers{
		Fresh:   delivery.NewCourier(claim(store.Fresh), deliver, c.Messages.Parallel, log),
		Waiting: delivery.NewCourier(claim(store.LongestDue), deliver, c.Messages.ParallelRetries, log),
	}
	planner := &planning.Planning{
		DB: p.db, Log: log, Now: p.now, GiveUpAfter: policy.GiveUpAfter, Wake: p.couriers.Fresh.Wake,
	}
	tools := event.Tools{Log: log, Metrics: p.metrics, Tracer: tracer, Now: p.now}
	states := &event.Consumer[event.TradeState]{
		TopicName: event.TradeStateTopic, Parse: event.ParseTradeState, Handle: planner.OnTradeState,
		Together: planner.OnTradeStates, Tools: tools,
	}
	refunds := &event.Consumer[event.Refund]{
		TopicName: event.RefundUpdatedTopic, Parse: event.ParseRefund, Handle: planner.OnRefund, Tools: tools,
	}
	p.letters = &deadletter.Letters{
		DB: p.db, Log: log, Metrics: p.metrics, Now: p.now, Topics: []event.Topic{states, refunds}, AppID: Name,
	}
	p.replicas = activity.Replicas{DB: p.db, Own: noted, Now: p.now}
	p.ages = upkeep.Ages{DB: p.db, Metrics: p.metrics, Now: p.now, Log: log}
	states.CountFromZero()
	refunds.CountFromZero()
	reports.CountFromZero()
	p.ages.CountFromZero()
	wechat.CountFromZero(p.metrics)
	p.metrics.Rejections.WithLabelValues(message.CauseUnrenderable)

	p.server = httpapi.New(httpapi.Base{
		Config: c, Log: log, Metrics: p.metrics, Tracer: tracer, Security: securityLog, Catalogue: catalogue,
	})
	p.readiness = &httpapi.Readiness{Sidecar: sidecar, DB: p.db, Topics: p.letters.AllTopics()}
	p.server.AddHealth(p.readiness)
	p.server.AddTopic("/events/order-state", states, noted)
	p.server.AddTopic("/events/order-refund", refunds, noted)
	p.server.AddDeadLetters(p.letters)
	p.server.AddJob("notification-due", noted, p.couriers.StartDue)
	p.server.AddJob("notification-reapply-dead-letters", noted, func(ctx context.Context) (int, error) {
		counts, err := p.letters.Reapply(ctx)
		return counts.Total(), err
	})
	personal := &personaldata.PersonalData{
		DB: p.db, Now: p.now, KeepDays: c.MessagesKeepDays, Log: log, Metrics: p.metrics, Security: securityLog,
	}
	personal.CountFromZero()
	p.server.AddJob("notification-forget-personal-data", noted, personal.Forget)
	p.audit = &audit.Audit{DB: p.db, Log: log, Metrics: p.metrics}
	p.server.AddOperations(httpapi.Operations{
		Verifier: auth.NewVerifier(sidecar, log),
		Tasks: &operate.Tasks{
			DB: p.db, Now: p.now, GiveUpAfter: policy.GiveUpAfter, Wake: p.couriers.Waiting.Wake,
		},
		Letters: p.letters, Audit: p.audit, PersonalData: personal,
		System: &httpapi.System{
			Service: Name, Now: p.now, Own: noted, Sidecar: sidecar, Replicas: p.replicas, Letters: p.letters,
			Topics: p.letters.AllTopics(), Jobs: p.server.Jobs(),
		},
	})
	return p, nil
}
