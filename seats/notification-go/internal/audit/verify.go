package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/pg"
)

const (
	// AtOnce is how many rows one request verifies at most.
	AtOnce = 20_000
	slice  = 2000
)

// Flaw says how a row is not as it was written.
type Flaw string

const (
	Missing  Flaw = "missing"
	Changed  Flaw = "changed" // the row, the one before it, or their order
	HeadFlaw Flaw = "head"    // the log goes on after its recorded end, or ends with another hash
	Export   Flaw = "export"  // the chain holds, but is not the one whose hash was exported before
)

// Link is a place in the chain: 0 and zeros before the first act.
type Link struct {
	Seq  int64
	Hash []byte
}

func beginning() Link { return Link{0, make([]byte, sha256.Size)} }

func (l Link) equal(other Link) bool { return l.Seq == other.Seq && bytes.Equal(l.Hash, other.Hash) }

// Hex is the hash in hex digits.
func (l Link) Hex() string { return hex.EncodeToString(l.Hash) }

// Verification: rows up to and including Verified are as they were written. Broken: the seq of the first that is not, and
// Flaw how. Complete: all rows were looked at, or one is broken; else go on after Verified.
type Verification struct {
	Head     Link
	Verified Link
	Complete bool
	Broken   *int64
	Flaw     Flaw
}

// Audit verifies the log.
type Audit struct {
	DB      *pg.Database
	Log     *slog.Logger
	Metrics *metrics.Metrics
}

// Verify looks at no more than AtOnce rows after the one with seq after, which counts as verified. Exported is a head of
// before: the row with its seq must have its hash.
func (a *Audit) Verify(ctx context.Context, after int64, exported *Link) (found Verification, err error) {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = a.DB.TransactionWith(ctx, options, func(ctx context.Context, tx pgx.Tx) error {
		found, err = verify(ctx, tx, after, exported)
		return err
	})
	return found, err
}

func verify(ctx context.Context, tx pgx.Tx, after int64, exported *Link) (Verification, error) {
	head, err := linkOf(tx.QueryRow(ctx, "select seq, hash from operator_act_head"))
	if errors.Is(err, pgx.ErrNoRows) {
		head, err = beginning(), nil
	}
	if err != nil {
		return Verification{}, err
	}
	verified, err := linkAt(ctx, tx, after)
	if errors.Is(err, pgx.ErrNoRows) {
		return broken(head, beginning(), after, Missing), nil
	}
	if err != nil {
		return Verification{}, err
	}
	for left := AtOnce; left > 0; left -= slice {
		acts, err := collect(tx.Query(ctx, selectActs+"where seq > $1 order by seq limit $2", verified.Seq, slice))
		if err != nil {
			return Verification{}, err
		}
		for _, each := range acts {
			if each.Seq != verified.Seq+1 {
				return broken(head, verified, verified.Seq+1, Missing), nil
			}
			if !bytes.Equal(each.Hash, digest(verified.Hash, each)) {
				return broken(head, verified, verified.Seq+1, Changed), nil
			}
			verified = Link{each.Seq, each.Hash}
		}
		if len(acts) < slice {
			return atEnd(ctx, tx, head, verified, exported)
		}
	}
	return Verification{Head: head, Verified: verified}, nil
}

// atEnd: last is the last row there is.
func atEnd(ctx context.Context, tx pgx.Tx, head, last Link, exported *Link) (Verification, error) {
	if head.Seq > last.Seq {
		return broken(head, last, last.Seq+1, Missing), nil
	}
	if !head.equal(last) {
		return broken(head, last, last.Seq, HeadFlaw), nil
	}
	if exported != nil {
		there, err := linkAt(ctx, tx, exported.Seq)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return Verification{}, err
		}
		if err != nil || !there.equal(*exported) {
			return broken(head, last, exported.Seq, Export), nil
		}
	}
	return Verification{Head: head, Verified: last, Complete: true}, nil
}

func broken(head, verified Link, seq int64, flaw Flaw) Verification {
	return Verification{Head: head, Verified: verified, Complete: true, Broken: &seq, Flaw: flaw}
}

func linkAt(ctx context.Context, tx pgx.Tx, seq int64) (Link, error) {
	if seq == 0 {
		return beginning(), nil
	}
	return linkOf(tx.QueryRow(ctx, "select seq, hash from operator_act where seq = $1", seq))
}

func linkOf(row pgx.Row) (found Link, err error) {
	err = row.Scan(&found.Seq, &found.Hash)
	return found, err
}

// Watch verifies all rows and sets the gauge; a broken row is logged.
func (a *Audit) Watch(ctx context.Context) error {
	found, err := a.Verify(ctx, 0, nil)
	for err == nil && !found.Complete {
		found, err = a.Verify(ctx, found.Verified.Seq, nil)
	}
	if err != nil {
		return err
	}
	if found.Broken == nil {
		a.Metrics.AuditIntact.Set(1)
		return nil
	}
	a.Metrics.AuditIntact.Set(0)
	a.Log.ErrorContext(ctx, "the audit log is broken", "seq", *found.Broken, "flaw", found.Flaw)
	return nil
}

// digest is the hash of a row after a row with the hash previous: over netstrings of its columns, ~ for null; the time in
// microseconds since 1970 UTC. The database's trigger writes the same (servicekit/act_chain.py).
func digest(previous []byte, act Act) []byte {
	field := func(value string) string { return fmt.Sprintf("%d:%s,", len(value), value) }
	number := func(value int64) string { return field(strconv.FormatInt(value, 10)) }
	note := "~"
	if act.Note != nil {
		note = field(*act.Note)
	}
	sum := sha256.New()
	sum.Write(previous)
	sum.Write([]byte(number(act.Seq) + number(act.ID) + number(act.OperatorID) + field(act.Act) + field(act.Subject) +
		note + number(act.ActedAt.UnixMicro())))
	return sum.Sum(nil)
}

// Exported is a head that was exported before; nil where there is none.
func Exported(seq *int64, hash string) (*Link, error) {
	if seq == nil {
		return nil, nil
	}
	raw, err := hex.DecodeString(hash)
	return &Link{*seq, raw}, err
}
