// Package pg is the service's own PostgreSQL: bounded waits, explicit transactions, and one error for whatever trying again
// may help.
package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
)

// longestTransaction ends a transaction whose server is frozen, and its own time-outs with it.
const longestTransaction = 12 * time.Second

// Querier is what queries need: a transaction, or a connection on which each statement is its own.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Database is safe for concurrent use.
type Database struct {
	pool     *pgxpool.Pool
	patience time.Duration // for a connection of the pool
	metrics  *metrics.Metrics
}

// Open makes the pool; it connects when it is first used.
func Open(ctx context.Context, c config.Database, m *metrics.Metrics) (*Database, error) {
	settings, err := pgxpool.ParseConfig(c.PostgresURL())
	if err != nil {
		return nil, errors.New("setting NOTIFICATION_DATABASE_URL: cannot be read") // its own error quotes the password
	}
	settings.MaxConns, settings.MinConns = int32(c.PoolSize), 0
	settings.MaxConnLifetime, settings.PingTimeout = 30*time.Minute, time.Second
	connection := settings.ConnConfig
	connection.ConnectTimeout = c.ConnectTimeout
	for name, value := range map[string]string{
		"statement_timeout": "5s", "lock_timeout": "4s", "idle_in_transaction_session_timeout": "15s",
		"timezone": "UTC", "jit": "off", "application_name": "notification",
	} {
		connection.RuntimeParams[name] = value
	}
	// The kernel gives a silent peer up after half a minute.
	alive := net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
	connection.DialFunc = (&net.Dialer{Timeout: c.ConnectTimeout, KeepAliveConfig: alive}).DialContext
	if c.PasswordFile != "" { // read for each connection, so that one that was replaced needs no restart
		settings.BeforeConnect = func(_ context.Context, each *pgx.ConnConfig) error {
			password, err := os.ReadFile(c.PasswordFile)
			each.Password = strings.TrimSpace(string(password))
			return err
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	m.WatchPool(
		func() float64 { return float64(pool.Stat().MaxConns()) },
		func() float64 { return float64(pool.Stat().AcquiredConns()) },
		func() float64 { return float64(pool.Stat().IdleConns()) },
	)
	return &Database{pool: pool, patience: c.PoolTimeout, metrics: m}, nil
}

// Close waits for connections in use.
func (d *Database) Close() { d.pool.Close() }

// Transaction commits when work returns nil and rolls back else. Errors that trying again may help are DatabaseUnavailable.
func (d *Database) Transaction(ctx context.Context, work func(context.Context, pgx.Tx) error) error {
	return d.TransactionWith(ctx, pgx.TxOptions{}, work)
}

// TransactionWith is Transaction with another isolation.
func (d *Database) TransactionWith(
	ctx context.Context, options pgx.TxOptions, work func(context.Context, pgx.Tx) error,
) error {
	return d.with(ctx, func(ctx context.Context, connection *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, connection, options, func(tx pgx.Tx) error { return work(ctx, tx) })
	})
}

// Read runs statements that need not agree with one another, each a transaction by itself.
func (d *Database) Read(ctx context.Context, work func(context.Context, Querier) error) error {
	return d.with(ctx, func(ctx context.Context, connection *pgxpool.Conn) error { return work(ctx, connection) })
}

func (d *Database) with(ctx context.Context, work func(context.Context, *pgxpool.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, longestTransaction)
	defer cancel()
	connection, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer connection.Release()
	if err := work(ctx, connection); err != nil {
		if problem.Of(err) == nil && IsTransient(err) {
			return unavailable(err)
		}
		return err
	}
	return nil
}

func (d *Database) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	connection, err := d.pool.Acquire(waiting)
	if err == nil {
		return connection, nil
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		d.metrics.PoolTimeouts.Inc()
	}
	return nil, unavailable(err)
}

// unavailable names the kind of the error alone: its text may hold an address or a value.
func unavailable(err error) error {
	detail := fmt.Sprintf("%T", err)
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		detail = "SQLSTATE " + refused.Code
	} else if errors.Is(err, context.DeadlineExceeded) {
		detail = "no response in time"
	}
	return problem.Wrap(err, problem.DatabaseUnavailable, "%s", detail)
}

// IsTransient tells whether trying again may help: the connection, the server's resources, a lock, a serialisation conflict.
func IsTransient(err error) bool {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		// 28P01, a wrong password: it is being replaced, here or there first.
		for _, state := range []string{"08", "53", "57", "55P03", "40", "25006", "25P03", "28P01"} {
			if strings.HasPrefix(refused.Code, state) {
				return true
			}
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// Ping responds within two seconds, or with DatabaseUnavailable.
func (d *Database) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return d.Read(ctx, func(ctx context.Context, q Querier) error {
		_, err := q.Exec(ctx, "select 1")
		return err
	})
}

// Retry calls work until the database is there, a second apart, or ctx ends.
func Retry(ctx context.Context, log *slog.Logger, work func(context.Context) error) error {
	for {
		err := work(ctx)
		if !problem.IsUnavailable(err) {
			return err
		}
		log.WarnContext(ctx, "waiting for the database", "reason", err.Error())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
