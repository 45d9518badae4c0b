// Package problem holds the errors of the service as one tree. The edges translate it: HTTP to RFC 9457, Kafka to SUCCESS,
// RETRY and DROP.
package problem

import (
	"errors"
	"fmt"
)

// Kind is what a client tells errors apart by: status, number and slug are the contract (contracts/problems.json).
type Kind struct {
	Status int
	Code   int
	Slug   string
	// Security is what the security log counts it as; empty: not at all.
	Security string
}

var (
	Server              = &Kind{Status: 500, Code: 100001, Slug: "server-error"}
	InvalidInput        = &Kind{Status: 422, Code: 100002, Slug: "invalid-input"}
	Unauthenticated     = &Kind{Status: 401, Code: 100003, Slug: "unauthenticated"}
	TokenRefused        = &Kind{Status: 401, Code: 100003, Slug: "unauthenticated", Security: "token_refused"}
	NotTheSidecar       = &Kind{Status: 401, Code: 100003, Slug: "unauthenticated", Security: "forbidden"}
	DatabaseUnavailable = &Kind{Status: 503, Code: 100005, Slug: "database-unavailable"}
	Forbidden           = &Kind{Status: 403, Code: 100101, Slug: "forbidden", Security: "forbidden"}
	NotFound            = &Kind{Status: 404, Code: 100102, Slug: "not-found"}
	Conflict            = &Kind{Status: 409, Code: 100103, Slug: "conflict"}
	RateLimited         = &Kind{Status: 429, Code: 100104, Slug: "too-many-requests", Security: "rate_limited"}
	Unavailable         = &Kind{Status: 503, Code: 100105, Slug: "unavailable"}
	PeerUnavailable     = &Kind{Status: 503, Code: 100106, Slug: "peer-unavailable"}
	MethodNotAllowed    = &Kind{Status: 405, Code: 100107, Slug: "method-not-allowed"}
	BodyTooLarge        = &Kind{Status: 413, Code: 100108, Slug: "body-too-large"}
	RepeatedHeader      = &Kind{Status: 400, Code: 100120, Slug: "repeated-header"}
	DeadLetterNotFound  = &Kind{Status: 404, Code: 100113, Slug: "dead-letter-not-found"}
	DeadLetterEnded     = &Kind{Status: 409, Code: 100114, Slug: "dead-letter-ended"}
	TaskNotFound        = &Kind{Status: 404, Code: 100601, Slug: "notification-task-not-found"}
	TaskNotResendable   = &Kind{Status: 409, Code: 100602, Slug: "notification-task-not-resendable"}
)

// FieldError is one wrong member of a request's body.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error is a refusal. Detail is for the developer who reads the response.
type Error struct {
	Kind       *Kind
	Detail     string
	Field      string
	Errors     []FieldError
	RetryAfter int // seconds; 0: none is named
	cause      error
}

// New makes an error of a kind. Unavailable ones name a Retry-After of one second.
func New(kind *Kind, format string, args ...any) *Error {
	made := &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
	if kind.Status == 503 {
		made.RetryAfter = 1
	}
	return made
}

// Wrap is New with the error that led to it.
func Wrap(cause error, kind *Kind, format string, args ...any) *Error {
	made := New(kind, format, args...)
	made.cause = cause
	return made
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Kind.Slug
	}
	return e.Detail
}

func (e *Error) Unwrap() error { return e.cause }

// Of finds the problem in an error's chain; nil for any other error.
func Of(err error) *Error {
	var found *Error
	if errors.As(err, &found) {
		return found
	}
	return nil
}

// Is tells whether an error's chain has a problem of this kind.
func Is(err error, kind *Kind) bool {
	found := Of(err)
	return found != nil && found.Kind == kind
}

// IsUnavailable tells whether trying again later may help: nothing was done.
func IsUnavailable(err error) bool {
	found := Of(err)
	return found != nil && found.Kind.Status == 503
}

// Poison is an event that can never be applied, however often it is delivered: it goes to the dead letters.
type Poison struct{ Reason string }

func (p *Poison) Error() string { return p.Reason }
