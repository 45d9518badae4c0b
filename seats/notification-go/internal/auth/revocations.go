package auth

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/dapr"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
)

const (
	freshFor = 15 * time.Second
	// Who comes with a list older than this waits for a new one: a revocation is in force everywhere within a minute.
	tooOld     = 45 * time.Second
	askTimeout = 2 * time.Second
	// Where a list or keys are known, a request waits no longer for newer ones, also while usercenter hangs.
	knownTimeout = time.Second
)

// voided are tokens that are void before they expire: of an account's older generation, of an ended session, and all that were
// issued until a moment.
type voided struct {
	oldestValid map[int64]int64
	sessions    []int64
	issuedUntil int64
}

func (v *voided) holds(p Principal) bool {
	return p.issuedAt <= v.issuedUntil || p.Generation < v.oldestValid[p.UserID] || slices.Contains(v.sessions, p.SessionID)
}

// revocations asks once per 15 s of traffic, never once per request. While usercenter is down the last list stays in force; a
// process that never had a list refuses, as without keys.
type revocations struct {
	sidecar *dapr.Sidecar
	log     *slog.Logger

	asking    sync.Mutex
	mutex     sync.Mutex // of what follows
	list      *voided
	fetchedAt time.Time
	askedAt   time.Time
}

func (r *revocations) void(ctx context.Context, p Principal) (bool, error) {
	if due, old := r.age(); due {
		// One request asks; the others use the known list, unless it is too old.
		if old {
			r.asking.Lock()
			r.refresh(ctx)
			r.asking.Unlock()
		} else if r.asking.TryLock() {
			r.refresh(ctx)
			r.asking.Unlock()
		}
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.list == nil {
		none := problem.New(problem.PeerUnavailable, "usercenter: no list of revoked tokens yet")
		none.RetryAfter = int(askPause.Seconds())
		return false, none
	}
	return r.list.holds(p), nil
}

func (r *revocations) age() (due, old bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	age := time.Since(r.fetchedAt)
	return age > freshFor && time.Since(r.askedAt) > askPause, age > tooOld
}

func (r *revocations) refresh(ctx context.Context) {
	if due, _ := r.age(); !due {
		return
	}
	askedAt := time.Now()
	patience := askTimeout
	if r.list != nil { // written below alone, and one refreshes at a time
		patience = knownTimeout
	}
	list, err := r.fetch(ctx, patience)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if err != nil {
		r.log.WarnContext(ctx, "the list of revoked tokens cannot be had", "reason", err.Error())
		r.askedAt = time.Now()
		return
	}
	r.list, r.fetchedAt = list, askedAt // what is revoked while the answer travels is in the next list
}

func (r *revocations) fetch(ctx context.Context, patience time.Duration) (*voided, error) {
	const path = "/internal/revocations"
	object, found, err := r.sidecar.Invoke(ctx, usercenter, path, nil, patience)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, problem.New(problem.PeerUnavailable, "usercenter: 404 for its revocations")
	}
	type account struct {
		UserID     int64 `json:"userId"`
		Generation int64 `json:"generation"`
	}
	users, err := strictjson.Read[[]account](object, "users")
	sessions, sessionsErr := strictjson.Optional[[]int64](object, "sessions")
	until, untilErr := strictjson.Optional[int64](object, "issuedUntil")
	if err = errors.Join(err, sessionsErr, untilErr); err != nil {
		return nil, dapr.Unreadable(usercenter, path, err)
	}
	list := &voided{oldestValid: map[int64]int64{}}
	for _, each := range users {
		list.oldestValid[each.UserID] = each.Generation
	}
	if sessions != nil {
		list.sessions = *sessions
	}
	if until != nil {
		list.issuedUntil = *until
	}
	return list, nil
}
