package activity

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/pg"
)

const keepReplicas = 8 * 24 * time.Hour

// Replica is what one process was last seen to do; SeenAt: when it last wrote its row.
type Replica struct {
	Name      string
	Version   string
	StartedAt time.Time
	SeenAt    time.Time
	Ticks     map[string]Tick
	Received  map[string]Reception
}

// Replicas has one row for each, for operators alone; nothing is decided by it.
type Replicas struct {
	DB  *pg.Database
	Own *Activity
	Now func() time.Time
}

// Write writes the own row. Of what it did before a restart, the ticks and topics that it has not had since stay.
func (r Replicas) Write(ctx context.Context) error {
	ticks, received := r.Own.Snapshot()
	return r.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, `
			insert into replica (name, version, started_at, seen_at, ticks, received, published)
			values ($1, $2, $3, $4, $5, $6, '{}')
			on conflict (name) do update set version = excluded.version, started_at = excluded.started_at,
			  seen_at = excluded.seen_at, ticks = replica.ticks || excluded.ticks,
			  received = replica.received || excluded.received`,
			r.Own.Name, r.Own.Version, r.Own.StartedAt, r.Now(), ticks, received)
		return err
	})
}

// All are the replicas, the one that wrote last first.
func (r Replicas) All(ctx context.Context) (all []Replica, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		rows, err := q.Query(ctx, `select name, version, started_at, seen_at, ticks, received from replica
			order by seen_at desc, name`)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Replica])
		return err
	})
	return all, err
}

// Forget deletes the rows of those that have not written for eight days.
func (r Replicas) Forget(ctx context.Context) error {
	return r.DB.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, "delete from replica where seen_at < $1", r.Now().Add(-keepReplicas))
		return err
	})
}
