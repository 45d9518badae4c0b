// Package event is the Kafka edge: deliveries of the sidecar in, SUCCESS, RETRY and DROP out.
package event

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

// Envelope is a CloudEvent, as far as a consumer needs it.
type Envelope struct {
	ID     string
	Source string
	Trace  tracing.Context
	Time   *time.Time // when it occurred; nil where that cannot be read
	Data   strictjson.Object
}

// longestKey is what inbox and dead letters index: beyond it PostgreSQL refuses the row and the event comes back for ever.
const longestKey = 256

// ParseEnvelope reads a CloudEvent. The error is a problem.Poison: it can never be read.
func ParseEnvelope(document []byte) (Envelope, error) {
	e, err := parseEnvelope(document)
	if err != nil {
		return Envelope{}, &problem.Poison{Reason: "cannot be read: " + err.Error()}
	}
	return e, nil
}

func parseEnvelope(document []byte) (e Envelope, err error) {
	object, err := strictjson.Parse(document)
	if err != nil {
		return e, fmt.Errorf("no JSON object")
	}
	if e, err = membersOf(object); err != nil {
		return e, err
	}
	if object.Has("data") {
		if e.Data, err = strictjson.Parse(object["data"]); err != nil {
			return e, fmt.Errorf("data: is no object")
		}
	}
	return e, nil
}

// ParseKey reads the id and source that a dead letter is known by. The error says why it is no CloudEvent, whatever its data.
func ParseKey(document []byte) (id, source string, err error) {
	object, err := strictjson.Parse(document)
	if err != nil {
		return "", "", err
	}
	if err := strictjson.WithinLimits(document); err != nil {
		return "", "", err
	}
	e, err := membersOf(object)
	return e.ID, e.Source, err
}

// membersOf reads all but the data.
func membersOf(object strictjson.Object) (e Envelope, err error) {
	if e.ID, e.Source, err = keyOf(object); err != nil {
		return e, err
	}
	for _, name := range []string{"subject", "traceparent", "tracestate"} {
		if _, err := strictjson.Optional[string](object, name); err != nil {
			return e, err
		}
	}
	if kind, ok := object["type"]; ok && (len(kind) == 0 || kind[0] != '"') {
		return e, fmt.Errorf("type: has the wrong type")
	}
	parent, _ := strictjson.Optional[string](object, "traceparent")
	state, _ := strictjson.Optional[string](object, "tracestate")
	e.Trace = tracing.Context{Traceparent: orEmpty(parent), Tracestate: orEmpty(state)}
	e.Time = TimeOf(object)
	return e, nil
}

func keyOf(object strictjson.Object) (id, source string, err error) {
	for _, each := range []struct {
		name  string
		value *string
	}{{"id", &id}, {"source", &source}} {
		if *each.value, err = strictjson.Read[string](object, each.name); err != nil {
			return "", "", err
		}
		if length := utf8.RuneCountInString(*each.value); length < 1 || length > longestKey {
			return "", "", fmt.Errorf("%s: has %d characters", each.name, length)
		}
		if strictjson.Unstorable(object[each.name]) != "" {
			return "", "", fmt.Errorf("%s: cannot be stored", each.name)
		}
	}
	return id, source, nil
}

// TimeOf is when an event occurred, in UTC; nil where its envelope does not tell.
func TimeOf(object strictjson.Object) *time.Time {
	text, err := strictjson.Optional[string](object, "time")
	if err != nil || text == nil {
		return nil
	}
	moment, err := time.Parse(time.RFC3339Nano, *text)
	if err != nil {
		return nil
	}
	moment = moment.UTC()
	return &moment
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
