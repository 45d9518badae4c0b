package httpapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/activity"
	"github.com/minsu/minsu/seats/notification-go/internal/dapr"
	"github.com/minsu/minsu/seats/notification-go/internal/deadletter"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
)

const (
	patience = 2 * time.Second  // for each part that is asked
	upFor    = 45 * time.Second // after a replica's last row
)

// System tells how the service runs. Topics and Jobs (names of cron bindings) are what the sidecar should bring to it.
type System struct {
	Service  string
	Now      func() time.Time
	Own      *activity.Activity
	Sidecar  *dapr.Sidecar
	Replicas activity.Replicas
	Letters  *deadletter.Letters
	Topics   []string
	Jobs     []string
}

type systemStatus struct {
	Service         string              `json:"service"`
	Replica         string              `json:"replica"`
	Version         string              `json:"version"`
	StartedAt       activity.Time       `json:"startedAt"`
	DatabaseProblem *string             `json:"databaseProblem"`
	Sidecar         sidecarState        `json:"sidecar"`
	Subscriptions   []subscriptionState `json:"subscriptions"`
	Jobs            []jobState          `json:"jobs"`
	Received        []receivedTopic     `json:"received"`
	Published       []struct{}          `json:"published"` // this service publishes nothing
	Replicas        []replicaState      `json:"replicas"`
	DeadLetters     *stuckLetters       `json:"deadLetters"`
}

type sidecarState struct {
	Problem    *string     `json:"problem"`
	Version    *string     `json:"version"`
	Components []component `json:"components"`
}

type component struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type subscriptionState struct {
	Topic  string `json:"topic"`
	Wanted bool   `json:"wanted"`
	Active *bool  `json:"active"`
}

type jobState struct {
	Name     string         `json:"name"`
	HasCron  *bool          `json:"hasCron"`
	At       *activity.Time `json:"at"`
	Seconds  *float64       `json:"seconds"`
	Claimed  *int           `json:"claimed"`
	Error    *string        `json:"error"`
	FailedAt *activity.Time `json:"failedAt"`
}

type receivedTopic struct {
	Topic      string         `json:"topic"`
	HandledAt  *activity.Time `json:"handledAt"`
	OccurredAt *activity.Time `json:"occurredAt"`
	NewestAt   *activity.Time `json:"newestAt"`
	RetriedAt  *activity.Time `json:"retriedAt"`
}

type replicaState struct {
	Name      string        `json:"name"`
	Version   string        `json:"version"`
	StartedAt activity.Time `json:"startedAt"`
	SeenAt    activity.Time `json:"seenAt"`
	Up        bool          `json:"up"`
}

type stuckLetters struct {
	Waiting int `json:"waiting"`
	Poison  int `json:"poison"`
}

func (o *operators) addSystem(system *System) {
	o.handle("system", func(ctx context.Context, f *form, _ int64) (any, error) {
		if err := f.err(); err != nil {
			return nil, err
		}
		return system.status(ctx), nil
	})
}

// status asks each part by itself and for a bounded time; what does not respond is told, and hides nothing of the rest.
func (s *System) status(ctx context.Context) systemStatus {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var group sync.WaitGroup
	var sidecar dapr.Metadata
	var replicas []activity.Replica
	var letters stuckLetters
	var sidecarErr, databaseErr error
	group.Go(func() { sidecar, sidecarErr = s.Sidecar.Metadata(ctx) })
	group.Go(func() { replicas, letters, databaseErr = s.kept(ctx) })
	group.Wait()

	found := systemStatus{
		Service: s.Service, Replica: s.Own.Name, Version: s.Own.Version, StartedAt: activity.Time{Time: s.Own.StartedAt},
		DatabaseProblem: why(databaseErr), Sidecar: sidecarState{Problem: why(sidecarErr), Components: []component{}},
		Published: []struct{}{}, Received: []receivedTopic{},
	}
	if sidecarErr == nil {
		found.Sidecar.Version = &sidecar.Version
		for _, name := range slices.Sorted(maps.Keys(sidecar.Components)) {
			found.Sidecar.Components = append(found.Sidecar.Components, component{name, sidecar.Components[name]})
		}
	}
	if databaseErr == nil {
		found.DeadLetters, found.Replicas = &letters, []replicaState{}
		now := s.Now()
		for _, each := range replicas {
			found.Replicas = append(found.Replicas, replicaState{
				each.Name, each.Version, activity.Time{Time: each.StartedAt}, activity.Time{Time: each.SeenAt},
				now.Sub(each.SeenAt) < upFor,
			})
		}
	}
	found.Subscriptions = s.subscriptions(sidecar, sidecarErr == nil)
	s.activities(&found, replicas, sidecar, sidecarErr == nil)
	return found
}

// kept is what the database tells, the own row written anew: what is read is never older than the request.
func (s *System) kept(ctx context.Context) (replicas []activity.Replica, letters stuckLetters, err error) {
	if err = s.Replicas.Write(ctx); err != nil {
		return nil, letters, err
	}
	if letters.Waiting, letters.Poison, err = s.Letters.Stuck(ctx); err != nil {
		return nil, letters, err
	}
	replicas, err = s.Replicas.All(ctx)
	return replicas, letters, err
}

func (s *System) subscriptions(sidecar dapr.Metadata, known bool) []subscriptionState {
	topics := map[string]bool{}
	for _, topic := range s.Topics {
		topics[topic] = true
	}
	maps.Copy(topics, sidecar.Topics)
	found := []subscriptionState{}
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		state := subscriptionState{Topic: topic, Wanted: slices.Contains(s.Topics, topic)}
		if known {
			active := sidecar.Topics[topic]
			state.Active = &active
		}
		found = append(found, state)
	}
	return found
}

// activities are those of all replicas, or of this one where the database does not tell.
func (s *System) activities(found *systemStatus, replicas []activity.Replica, sidecar dapr.Metadata, known bool) {
	ticks, received := s.Own.Snapshot()
	for _, each := range replicas {
		for job, tick := range each.Ticks {
			ticks[job] = activity.NewestTick(ticks[job], tick)
		}
		for topic, reception := range each.Received {
			received[topic] = activity.NewestReception(received[topic], reception)
		}
	}
	for _, job := range slices.Sorted(slices.Values(s.Jobs)) {
		state := jobState{Name: job}
		if known {
			_, has := sidecar.Components[job]
			state.HasCron = &has
		}
		if tick, ok := ticks[job]; ok {
			state.At, state.Seconds, state.Claimed = &tick.At, &tick.Seconds, tick.Claimed
			state.Error, state.FailedAt = tick.Error, tick.FailedAt
		}
		found.Jobs = append(found.Jobs, state)
	}
	for _, topic := range slices.Sorted(maps.Keys(received)) {
		r := received[topic]
		found.Received = append(found.Received, receivedTopic{topic, r.HandledAt, r.OccurredAt, r.NewestAt, r.RetriedAt})
	}
}

func why(err error) *string {
	if err == nil {
		return nil
	}
	text := fmt.Sprintf("%T", err)
	if found := problem.Of(err); found != nil {
		text = found.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		text = fmt.Sprintf("no response in %g s", patience.Seconds())
	}
	return &text
}
