// Package audit is the log of what operators did: one row per act, written in the act's own transaction, each with the hash
// of the one before (a trigger of the database writes it), so that a row that was changed or removed is found.
package audit

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/pg"
)

// Act is a row of operator_act. Operator 0 is the system or its command line.
type Act struct {
	ID         int64
	OperatorID int64
	Act        string
	Subject    string
	Note       *string
	ActedAt    time.Time
	Seq        int64
	Hash       []byte
}

const selectActs = "select id, operator_id, act, subject, note, acted_at, seq, hash from operator_act "

// Record writes the act down for each of subjects, such as dead-letter:7; note says why. Call it after all rows of the
// transaction are locked: until its end no other act of this service can be recorded.
func Record(
	ctx context.Context, tx pgx.Tx, now time.Time, operatorID int64, act, note string, subjects ...string,
) error {
	_, err := tx.Exec(ctx, `insert into operator_act (operator_id, act, subject, note, acted_at)
		select $1, $2, subject, $4, $5 from unnest($3::text[]) with ordinality as s(subject, place) order by place`,
		operatorID, act, subjects, note, now)
	return err
}

// Newest are acts with an id below lastID (0: no bound), newest first.
func Newest(ctx context.Context, db *pg.Database, lastID int64, limit int) ([]Act, error) {
	return read(ctx, db, "where $1::bigint = 0 or id < $1 order by id desc limit $2", lastID, limit)
}

// OfSubjects are the acts on these, oldest first.
func OfSubjects(ctx context.Context, db *pg.Database, subjects []string) ([]Act, error) {
	return read(ctx, db, "where subject = any($1) order by id", subjects)
}

func read(ctx context.Context, db *pg.Database, rest string, args ...any) (acts []Act, err error) {
	err = db.Read(ctx, func(ctx context.Context, q pg.Querier) error {
		acts, err = collect(q.Query(ctx, selectActs+rest, args...))
		return err
	})
	return acts, err
}

func collect(rows pgx.Rows, err error) ([]Act, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Act])
}
