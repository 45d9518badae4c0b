package pg

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Revision is the last of the Python service's migrations whose tables this build was written for. Migrations stay there
// (`python -m notification migrate`): both languages work on the same tables.
const Revision = "0005_personal_data"

const howTo = "run `python -m notification migrate` of the same version first"

// CheckSchema returns an error that says what to do unless the database is at Revision or after it: a revision must leave
// the build before it working, and revisions are numbered in their order.
func (d *Database) CheckSchema(ctx context.Context) error {
	var found string
	err := d.Read(ctx, func(ctx context.Context, q Querier) error {
		return q.QueryRow(ctx, "select version_num from alembic_version").Scan(&found)
	})
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows), errors.As(err, &refused) && refused.Code == "42P01":
		return fmt.Errorf("the database has no tables yet: %s", howTo)
	case errors.As(err, &refused) && refused.Code == "42501":
		return fmt.Errorf("this role has no rights on the tables yet: %s", howTo)
	case err != nil:
		return err
	case found < Revision:
		return fmt.Errorf("the database is at revision %s, this build needs %s: %s", found, Revision, howTo)
	}
	return nil
}
