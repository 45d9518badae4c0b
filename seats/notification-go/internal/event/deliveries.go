package event

import (
	"context"
	"encoding/json"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
)

// Of a batch: at most 200 entries (maxMessagesCount of every bulk subscription), each of at most 64 KiB.
const (
	LargestEvent    = 64 * 1024
	LargestDelivery = 200*LargestEvent + 16*1024
	parallelKeys    = 8
)

// Topic is a consumer as its deliveries see it.
type Topic interface {
	Topic() string
	Apply(ctx context.Context, document []byte) error
	Outcome(ctx context.Context, document []byte) Status
	takeTogether(ctx context.Context, entries []entry) (map[string]bool, error)
}

// Noted is told what became of the events of a delivery.
type Noted interface {
	// Handled: envelopes that were applied or dropped, oldest first; retried: one or more were left to the broker.
	Handled(topic string, envelopes []json.RawMessage, retried bool)
}

// entry is one event of a batch.
type entry struct {
	id    string
	key   string
	event json.RawMessage
}

type entryStatus struct {
	EntryID string `json:"entryId"`
	Status  Status `json:"status"`
}

// Response is the answer to a delivery: a status for each entry, or one for what is no batch.
type Response struct {
	Statuses []entryStatus `json:"statuses,omitempty"`
	Status   Status        `json:"status,omitempty"`
}

// MarshalJSON writes the statuses of a batch without entries, too.
func (r Response) MarshalJSON() ([]byte, error) {
	if r.Status != "" {
		return json.Marshal(map[string]Status{"status": r.Status})
	}
	statuses := r.Statuses
	if statuses == nil {
		statuses = []entryStatus{}
	}
	return json.Marshal(map[string][]entryStatus{"statuses": statuses})
}

// Take handles a delivery of the sidecar: a batch, or one event.
func Take(ctx context.Context, topic Topic, document []byte, noted Noted) Response {
	object, err := strictjson.Parse(document)
	if err != nil {
		if shallow, deep := strictjson.Shallow(document); deep == nil {
			document = shallow
			object, err = strictjson.Parse(document)
		}
	}
	entries, bulk := entriesOf(object)
	if err != nil || !bulk {
		status := Drop
		if json.Valid(document) {
			status = topic.Outcome(ctx, document)
		}
		var handled []json.RawMessage
		if status != Retry {
			handled = append(handled, nil)
		}
		noted.Handled(topic.Topic(), handled, status == Retry)
		return Response{Status: status}
	}
	statuses := statusesOf(ctx, topic, entries)
	left := map[string]bool{}
	for _, each := range statuses {
		if each.Status == Retry {
			left[each.EntryID] = true
		}
	}
	var handled []json.RawMessage
	for _, each := range entries {
		if !left[each.id] {
			handled = append(handled, each.event)
		}
	}
	noted.Handled(topic.Topic(), handled, len(left) > 0)
	return Response{Statuses: statuses}
}

func entriesOf(object strictjson.Object) ([]entry, bool) {
	if !object.Has("entries") {
		return nil, false
	}
	var raw []strictjson.Object
	if err := json.Unmarshal(object["entries"], &raw); err != nil {
		return nil, false
	}
	entries := make([]entry, len(raw))
	for place, each := range raw {
		id, err := strictjson.Read[string](each, "entryId")
		if err != nil {
			return nil, false
		}
		entries[place] = entry{id: id, key: id, event: each["event"]}
		if metadata, err := strictjson.Optional[strictjson.Object](each, "metadata"); err == nil && metadata != nil {
			if key, err := strictjson.Read[string](*metadata, "__key"); err == nil && key != "" {
				entries[place].key = key
			}
		}
	}
	return entries, true
}

// statusesOf handles together what can be handled so, and the rest by key: events of one key in order, keys side by side.
func statusesOf(ctx context.Context, topic Topic, entries []entry) []entryStatus {
	done, err := topic.takeTogether(ctx, entries)
	statuses := make([]entryStatus, 0, len(entries))
	lanes := map[string][]entry{}
	for _, each := range entries {
		switch {
		case err != nil:
			statuses = append(statuses, entryStatus{each.id, Retry})
		case done[each.id]:
			statuses = append(statuses, entryStatus{each.id, Success})
		default:
			lanes[each.key] = append(lanes[each.key], each)
		}
	}
	var group errgroup.Group
	var mutex sync.Mutex
	group.SetLimit(parallelKeys)
	for _, lane := range lanes {
		group.Go(func() error {
			found := statusesOfLane(ctx, topic, lane)
			mutex.Lock()
			defer mutex.Unlock()
			statuses = append(statuses, found...)
			return nil
		})
	}
	_ = group.Wait() // no lane returns an error
	return statuses
}

// statusesOfLane: what comes after a retried event under the same key must not overtake it.
func statusesOfLane(ctx context.Context, topic Topic, lane []entry) []entryStatus {
	found := make([]entryStatus, 0, len(lane))
	waits := false
	for _, each := range lane {
		status := Retry
		if !waits {
			status = topic.Outcome(ctx, each.event)
		}
		waits = waits || status == Retry
		found = append(found, entryStatus{each.id, status})
	}
	return found
}
