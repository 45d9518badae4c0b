package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"
)

const (
	lookEvery       = 100 * time.Millisecond
	refusalsInARow  = 2
	backgroundGrace = 12 * time.Second
)

// drain returns when the own sidecar has stopped, or after the longest time, or when hurry is closed. A stopping sidecar still
// accepts calls for a while, because its peers do not know yet: an app that stopped first would turn each into an error.
func drain(log *slog.Logger, sidecar string, longest time.Duration, hurry <-chan struct{}) {
	log.Info("asked to stop: serving until the sidecar is gone", "longest_seconds", longest.Seconds())
	began := time.Now()
	refusals := 0
	for refusals < refusalsInARow && time.Since(began) < longest {
		if refuses(sidecar) {
			refusals++
		} else {
			refusals = 0
		}
		select {
		case <-hurry:
			return
		case <-time.After(lookEvery):
		}
	}
	log.Info("stopping", "after_seconds", time.Since(began).Seconds(), "sidecar_gone", refusals > 0)
}

// refuses tells whether the port is closed. A sidecar that is slow or frozen still counts as running.
func refuses(address string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		var network net.Error
		return !errors.As(err, &network) || !network.Timeout()
	}
	_ = connection.Close() // nothing was written
	return false
}
