package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/minsu/minsu/seats/notification-go/internal/dapr"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/security"
)

const (
	secretName    = "notification"
	secretKey     = "wxma-secret"
	fetchAttempts = 180
	rotateEvery   = time.Minute
)

// rotation reads the mini program's secret from the Dapr secret store, at the start and every minute: one that was replaced
// is put to use, one that cannot be used leaves the one before in use.
type rotation struct {
	sidecar  *dapr.Sidecar
	store    string
	use      func(string)
	metrics  *metrics.Metrics
	security *security.Log
	log      *slog.Logger
	held     map[string]string // touched by begin, then by the loop alone
}

// begin waits for the sidecar, a second an attempt.
func (r *rotation) begin(ctx context.Context) error {
	var err error
	for attempt := range fetchAttempts {
		var held map[string]string
		if held, err = r.sidecar.Secret(ctx, r.store, secretName); err == nil {
			return r.take(held)
		}
		if attempt%5 == 4 {
			r.log.WarnContext(ctx, "waiting for the secret store", "reason", err.Error())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return fmt.Errorf("secret %s cannot be read from store %s: %w", secretName, r.store, err)
}

func (r *rotation) check(ctx context.Context) error {
	found, err := r.sidecar.Secret(ctx, r.store, secretName)
	if err != nil {
		return err
	}
	if maps.Equal(found, r.held) {
		r.metrics.SecretsRefused.Set(0)
		return nil
	}
	changed := r.changed(found)
	if err := r.take(found); err != nil {
		r.metrics.SecretsRefused.Set(1)
		r.log.ErrorContext(ctx, "a new secret cannot be used, the one before stays", "reason", err.Error())
		return nil
	}
	r.metrics.SecretsReplaced.Add(float64(len(changed)))
	r.log.InfoContext(ctx, "secrets are replaced", "names", changed)
	r.security.Event(ctx, "key_rotated", "names", strings.Join(changed, ", "))
	return nil
}

func (r *rotation) changed(found map[string]string) []string {
	var names []string
	for name, value := range found {
		if before, ok := r.held[name]; !ok || before != value {
			names = append(names, name)
		}
	}
	for name := range r.held {
		if _, ok := found[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (r *rotation) take(held map[string]string) error {
	secret, err := readSecret(held, secretKey)
	if err != nil {
		return err
	}
	r.use(secret)
	r.held = held
	r.metrics.SecretsRefused.Set(0)
	return nil
}

// readSecret is the secret as it is used: without the line end or byte-order mark that editors leave around it.
func readSecret(held map[string]string, name string) (string, error) {
	value, ok := held[name]
	if !ok {
		return "", problem.New(problem.Server, "secret %s is missing", name)
	}
	value = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(value), "\ufeff"))
	if value == "" {
		return "", problem.New(problem.Server, "secret %s is empty", name)
	}
	if strings.ContainsFunc(value, unicode.IsSpace) {
		return "", problem.New(problem.Server, "secret %s has white space in it", name)
	}
	return value, nil
}
