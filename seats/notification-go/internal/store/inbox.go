package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/event"
	"github.com/minsu/minsu/seats/notification-go/internal/pg"
)

// FirstTime records (source, id) in the effect's own transaction; false when it was there already: the caller then does
// nothing and reports success. Two deliveries at the same moment meet on the primary key: the second waits for the first.
func FirstTime(ctx context.Context, tx pgx.Tx, e event.Envelope) (bool, error) {
	done, err := tx.Exec(ctx, "insert into inbox (source, event_id) values ($1, $2) on conflict do nothing", e.Source, e.ID)
	return done.RowsAffected() == 1, err
}

// EventKey is what the inbox knows an event by.
type EventKey struct{ Source, ID string }

// Known are those of the events that were recorded before.
func Known(ctx context.Context, q pg.Querier, events []EventKey) (map[EventKey]bool, error) {
	sources, eventIDs := columnsOf(events)
	rows, err := q.Query(ctx, `select i.source, i.event_id from inbox i
		join unnest($1::text[], $2::text[]) as e(source, event_id) on i.source = e.source and i.event_id = e.event_id`,
		sources, eventIDs)
	if err != nil {
		return nil, err
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[EventKey])
	found := map[EventKey]bool{}
	for _, key := range keys {
		found[key] = true
	}
	return found, err
}

// Record writes events that are not known. It fails where another transaction recorded one meanwhile.
func Record(ctx context.Context, q pg.Querier, events []EventKey) error {
	sources, eventIDs := columnsOf(events)
	_, err := q.Exec(ctx, `insert into inbox (source, event_id) select * from unnest($1::text[], $2::text[])`,
		sources, eventIDs)
	return err
}

func columnsOf(events []EventKey) (sources, eventIDs []string) {
	for _, each := range events {
		sources, eventIDs = append(sources, each.Source), append(eventIDs, each.ID)
	}
	return sources, eventIDs
}
