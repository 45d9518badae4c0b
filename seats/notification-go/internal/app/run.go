package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/httpapi"
	"github.com/minsu/minsu/seats/notification-go/internal/pg"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
	"github.com/minsu/minsu/seats/notification-go/internal/upkeep"
)

const (
	headBytes    = 32 * 1024
	idleTimeout  = 75 * time.Second
	measureEvery = 15 * time.Second
	pruneEvery   = time.Hour
)

// Run serves until SIGTERM or SIGINT. After SIGTERM it serves until its own sidecar is gone; a second signal ends that wait.
func Run(c config.Config, log *slog.Logger) error {
	starting, started := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer started()
	tracer, flush := tracing.Off(), func(context.Context) error { return nil }
	if c.TracesEndpoint != "" {
		var err error
		if tracer, flush, err = tracing.Start(starting, Name); err != nil {
			return err
		}
	}
	p, err := wire(starting, c, log, tracer)
	if err != nil {
		return err
	}
	defer p.db.Close()
	// Keys before the first request; the sidecar waits for the port meanwhile.
	if err := p.rotation.begin(starting); err != nil {
		return ended(starting, err)
	}
	// A database that is away keeps no replica from coming up: it is alive, not ready, and looks again.
	if err := p.db.CheckSchema(starting); err != nil && !problem.IsUnavailable(err) {
		return ended(starting, err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(c.AppHost, strconv.Itoa(c.AppPort)))
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	started()
	return p.serve(listener, flush)
}

// ended is no error when the process was asked to stop while it started.
func ended(starting context.Context, err error) error {
	if starting.Err() != nil {
		return nil
	}
	return err
}

func (p *parts) serve(listener net.Listener, flush func(context.Context) error) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)

	server := p.httpServer()
	failed := make(chan error, 2)
	go func() {
		failed <- server.Serve(httpapi.Bounded(listener, p.config.Limits, p.metrics))
	}()
	working, stop := context.WithCancel(context.Background())
	defer stop()
	over := p.work(working)
	go func() {
		if err := pg.Retry(working, p.log, p.db.CheckSchema); err != nil && working.Err() == nil {
			failed <- err
		}
	}()
	p.log.Info("service is up", "port", p.config.AppPort, "version", p.config.Version)

	select {
	case err := <-failed:
		return err
	case first := <-signals:
		if first == syscall.SIGTERM {
			hurry := make(chan struct{})
			go func() {
				<-signals
				close(hurry)
			}()
			drain(p.log, p.config.DaprAddress, p.config.Limits.Drain, hurry)
		}
	}
	ending, cancel := context.WithTimeout(context.Background(), p.config.Limits.Shutdown)
	defer cancel()
	if err := server.Shutdown(ending); err != nil { // requests in flight are cut
		p.log.Warn("requests did not end in time", "error", err.Error())
		_ = server.Close() // whatever is left of them
	}
	stop()
	select {
	case <-over:
	case <-time.After(backgroundGrace):
		p.log.Error("work does not stop")
	}
	if err := flush(ending); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		p.log.Warn("spans are lost", "error", err.Error())
	}
	return nil
}

func (p *parts) httpServer() *http.Server {
	limits := p.config.Limits
	return &http.Server{
		Handler:           p.server,
		ReadHeaderTimeout: limits.Arrive,
		ReadTimeout:       2 * limits.Arrive,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headBytes,
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
}

// work runs everything beside the requests until ctx ends; the returned channel is closed when all of it has.
func (p *parts) work(ctx context.Context) <-chan struct{} {
	var group sync.WaitGroup
	group.Go(func() { p.couriers.Fresh.Run(ctx) })
	group.Go(func() { p.couriers.Waiting.Run(ctx) })
	group.Go(func() { p.server.MeasureTimers(ctx) })
	group.Go(func() { upkeep.Every(ctx, p.log, "secrets", rotateEvery, rotateEvery, p.rotation.check) })
	group.Go(func() {
		upkeep.Every(ctx, p.log, "metrics", time.Second, measureEvery,
			p.letters.Measure, p.readiness.Measure, p.ages.Measure, p.replicas.Write)
	})
	// Replicas that start together, or restart again and again, do not prune at once.
	first := 30*time.Second + rand.N(time.Minute)
	group.Go(func() {
		upkeep.Every(ctx, p.log, "upkeep", first, pruneEvery,
			upkeep.PruneInbox(p.db, p.config.InboxKeepDays),
			func(ctx context.Context) error { return p.letters.Forget(ctx, p.config.DeadLetterKeepDays) },
			p.replicas.Forget, p.audit.Watch)
	})
	over := make(chan struct{})
	go func() {
		group.Wait()
		close(over)
	}()
	return over
}
