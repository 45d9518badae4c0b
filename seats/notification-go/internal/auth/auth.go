// Package auth verifies the ES256 tokens of usercenter, with its public keys (JWKS) and its list of revoked tokens.
package auth

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/minsu/minsu/seats/notification-go/internal/dapr"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
)

const (
	usercenter = "usercenter"
	issuer     = "minsu-usercenter"
	audience   = "minsu"
	keysFor    = 10 * time.Minute
	askPause   = 5 * time.Second
	leeway     = 5 * time.Second // nodes' clocks differ
)

// Principal is the signed-in user.
type Principal struct {
	UserID     int64
	Roles      []string
	Generation int64
	SessionID  int64
	issuedAt   int64
}

// Require returns Forbidden unless the user has the role.
func (p Principal) Require(role string) error {
	if !slices.Contains(p.Roles, role) {
		return problem.New(problem.Forbidden, "role %s is needed", role)
	}
	return nil
}

// Verifier keeps keys for ten minutes and fetches them again, at most every five seconds, for an unknown kid; while usercenter
// is down, known keys stay in use. Revocation is looked up for every request.
type Verifier struct {
	sidecar     *dapr.Sidecar
	log         *slog.Logger
	revocations *revocations

	asking    sync.Mutex // one question for all who wait
	mutex     sync.Mutex // of what follows
	keys      *jose.JSONWebKeySet
	fetchedAt time.Time
	askedAt   time.Time
}

// NewVerifier asks usercenter through the sidecars.
func NewVerifier(sidecar *dapr.Sidecar, log *slog.Logger) *Verifier {
	return &Verifier{sidecar: sidecar, log: log, revocations: &revocations{sidecar: sidecar, log: log}}
}

// Principal reads an Authorization header. The error is Unauthenticated for anything but a valid, unexpired, unrevoked token,
// and PeerUnavailable when no key can be had.
func (v *Verifier) Principal(ctx context.Context, authorization string) (Principal, error) {
	scheme, text, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "bearer") || text == "" {
		return Principal{}, problem.New(problem.Unauthenticated, "a bearer token is needed")
	}
	found, err := v.verify(ctx, text)
	if err != nil {
		return Principal{}, err
	}
	void, err := v.revocations.void(ctx, found)
	if err != nil {
		return Principal{}, err
	}
	if void {
		return Principal{}, problem.New(problem.TokenRefused, "token: revoked")
	}
	return found, nil
}

type ownClaims struct {
	Roles      []string `json:"roles"`
	Generation number   `json:"gen"`
	SessionID  number   `json:"sid"`
}

// number is written as one or as text.
type number int64

func (n *number) UnmarshalJSON(raw []byte) error {
	value, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	*n = number(value)
	return err
}

func (v *Verifier) verify(ctx context.Context, text string) (Principal, error) {
	refused := func(err error) error { return problem.New(problem.TokenRefused, "token: %s", err) }
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return Principal{}, refused(errors.New("cannot be read"))
	}
	key, err := v.key(ctx, token.Headers[0].KeyID)
	if err != nil {
		return Principal{}, err
	}
	var claims jwt.Claims
	var own ownClaims
	if err := token.Claims(key, &claims, &own); err != nil {
		return Principal{}, refused(errors.New("the signature is not valid"))
	}
	if claims.Expiry == nil || claims.IssuedAt == nil {
		return Principal{}, refused(errors.New("without exp or iat"))
	}
	expected := jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{audience}, Time: time.Now()}
	switch err := claims.ValidateWithLeeway(expected, leeway); {
	case errors.Is(err, jwt.ErrExpired): // no event of the security log: every client comes late one day
		return Principal{}, problem.New(problem.Unauthenticated, "token: has expired")
	case err != nil:
		return Principal{}, refused(err)
	}
	userID, err := strconv.ParseInt(claims.Subject, 10, 64)
	if err != nil {
		return Principal{}, refused(errors.New("sub is no number"))
	}
	return Principal{userID, own.Roles, int64(own.Generation), int64(own.SessionID), claims.IssuedAt.Time().Unix()}, nil
}

func (v *Verifier) key(ctx context.Context, kid string) (jose.JSONWebKey, error) {
	if v.due(kid) {
		v.asking.Lock()
		if v.due(kid) {
			v.refresh(ctx, kid)
		}
		v.asking.Unlock()
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.keys == nil {
		none := problem.New(problem.PeerUnavailable, "usercenter: no keys yet")
		none.RetryAfter = int(askPause.Seconds())
		return jose.JSONWebKey{}, none
	}
	if found := v.keys.Key(kid); len(found) > 0 {
		return found[0], nil
	}
	return jose.JSONWebKey{}, problem.New(problem.TokenRefused, "token: signed by a key that is not known")
}

func (v *Verifier) due(kid string) bool {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	stale := v.keys == nil || time.Since(v.fetchedAt) > keysFor || len(v.keys.Key(kid)) == 0
	return stale && time.Since(v.askedAt) > askPause
}

func (v *Verifier) refresh(ctx context.Context, kid string) {
	patience := dapr.CallTimeout
	if v.keys != nil && len(v.keys.Key(kid)) > 0 { // written below alone, and one refreshes at a time
		patience = knownTimeout
	}
	keys, err := v.fetch(ctx, patience)
	now := time.Now() // the answer may have taken longer than the pause
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.askedAt = now
	if err != nil {
		v.log.WarnContext(ctx, "usercenter's keys cannot be had", "reason", err.Error())
		return
	}
	v.keys, v.fetchedAt = keys, now
}

func (v *Verifier) fetch(ctx context.Context, patience time.Duration) (*jose.JSONWebKeySet, error) {
	const path = "/internal/jwks"
	object, found, err := v.sidecar.Invoke(ctx, usercenter, path, nil, patience)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, problem.New(problem.PeerUnavailable, "usercenter: 404 for its keys")
	}
	keys := keysOf(object)
	if len(keys.Keys) == 0 {
		return nil, dapr.Unreadable(usercenter, path, errors.New("keys"))
	}
	return keys, nil
}

// keysOf are those that can be used; one of a type or curve that is not known here is no reason to do without the others.
func keysOf(object strictjson.Object) *jose.JSONWebKeySet {
	keys := &jose.JSONWebKeySet{}
	found, _ := strictjson.Optional[[]json.RawMessage](object, "keys")
	if found == nil {
		return keys
	}
	for _, each := range *found {
		var key jose.JSONWebKey
		if json.Unmarshal(each, &key) == nil {
			keys.Keys = append(keys.Keys, key)
		}
	}
	return keys
}
