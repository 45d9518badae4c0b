package event

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

func TestMomentIsWrittenAsPythonWritesIt(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-23T16:05:31.52Z":      "2026-11-23T16:05:31.520000+00:00",
		"2026-11-24T00:05:31+08:00":    "2026-11-23T16:05:31+00:00",
		"2026-11-23T16:05:31.1234567Z": "2026-11-23T16:05:31.123456+00:00",
	} {
		data, err := strictjson.Parse([]byte(`{"orderSn": "HSO2026112309302612345678", "refundState": "returned", "cause": "x",
			"paymentSn": "PMT2026112309310087654321", "refundFen": 1.0, "changedAt": "` + text + `", "of": "a later version"}`))
		if err != nil {
			t.Fatal(err)
		}
		refund, err := ParseRefund(data)
		if err != nil || refund.Moment() != want {
			t.Errorf("%s: %q, %v", text, refund.Moment(), err)
		}
		kept, err := strictjson.Parse(refund.Facts())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseRefund(kept); err != nil || again != refund {
			t.Errorf("facts are read as %+v, %v", again, err)
		}
	}
}

// noted forgets what it is told.
type noted struct{}

func (noted) Handled(string, []json.RawMessage, bool) {}

func consumer(handle func(string) error) *Consumer[TradeState] {
	return &Consumer[TradeState]{
		TopicName: TradeStateTopic, Parse: ParseTradeState,
		Handle: func(_ context.Context, received Received[TradeState]) error { return handle(received.Envelope.ID) },
		Tools: Tools{
			Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: metrics.New(), Tracer: tracing.Off(), Now: time.Now,
		},
	}
}

func eventOf(id string, state string) string {
	return `{"id": "` + id + `", "source": "order", "type": "t",
		"data": {"orderSn": "HSO2026112309302612345678", "tradeState": ` + state + `}}`
}

func entryOf(id, key, state string) string {
	return `{"entryId": "` + id + `", "metadata": {"__key": "` + key + `"}, "event": ` + eventOf(id, state) + `}`
}

func TestWhatComesAfterARetryUnderTheSameKeyWaits(t *testing.T) {
	var mutex sync.Mutex
	var handled []string
	c := consumer(func(id string) error {
		mutex.Lock()
		defer mutex.Unlock()
		handled = append(handled, id)
		if id == "a2" {
			return problem.New(problem.DatabaseUnavailable, "away")
		}
		return nil
	})
	body := `{"entries": [` + entryOf("a1", "A", "1") + `,` + entryOf("a2", "A", "1") + `,` + entryOf("a3", "A", "1") + `,` +
		entryOf("b1", "B", "9") + `,` + entryOf("b2", "B", "1") + `]}`
	got := map[string]Status{}
	for _, each := range Take(context.Background(), c, []byte(body), noted{}).Statuses {
		got[each.EntryID] = each.Status
	}
	want := map[string]Status{"a1": Success, "a2": Retry, "a3": Retry, "b1": Drop, "b2": Success}
	if !maps.Equal(got, want) {
		t.Errorf("statuses are %v, want %v", got, want)
	}
	slices.Sort(handled)
	if !slices.Equal(handled, []string{"a1", "a2", "b2"}) {
		t.Errorf("handled %v", handled)
	}
}

func TestTogetherTakesEachKeyThatIsThereOnce(t *testing.T) {
	c := consumer(func(string) error { return nil })
	var together []string
	c.Together = func(_ context.Context, events []Received[TradeState]) (map[int]bool, error) {
		for _, each := range events {
			together = append(together, each.Envelope.ID)
		}
		return map[int]bool{0: true}, nil
	}
	body := `{"entries": [` + entryOf("a", "A", "1") + `,` + entryOf("b1", "B", "1") + `,` + entryOf("b2", "B", "1") + `,` +
		entryOf("c", "C", "9") + `]}`
	statuses := Take(context.Background(), c, []byte(body), noted{}).Statuses
	if len(statuses) != 4 || !slices.Equal(together, []string{"a"}) {
		t.Errorf("%v, together %v", statuses, together)
	}
	c.Together = func(context.Context, []Received[TradeState]) (map[int]bool, error) {
		return nil, problem.New(problem.DatabaseUnavailable, "away")
	}
	for _, each := range Take(context.Background(), c, []byte(body), noted{}).Statuses {
		if each.Status != Retry {
			t.Errorf("%s is %s while the database is away", each.EntryID, each.Status)
		}
	}
}

func TestOneAlone(t *testing.T) {
	tests := map[string]struct {
		body  string
		fault error
		want  Status
	}{
		"applied":      {eventOf("a", "1"), nil, Success},
		"a bug":        {eventOf("a", "1"), errors.New("bug"), Retry},
		"poison":       {eventOf("a", "1"), &problem.Poison{Reason: "never"}, Drop},
		"no JSON":      {`{"id":`, nil, Drop},
		"no event":     {`[1]`, nil, Drop},
		"no data":      {`{"id": "a", "source": "order"}`, nil, Drop},
		"no entries":   {`{"entries": [{"event": {}}]}`, nil, Drop},
		"unstorable":   {`{"id": "a", "source": "order", "data": {"orderSn": "HSO2026112309302612345678", "tradeState": 1, "x": "\u0000"}}`, nil, Drop},
		"an empty key": {`{"id": "", "source": "order", "data": {}}`, nil, Drop},
	}
	for name, test := range tests {
		c := consumer(func(string) error { return test.fault })
		if got := Take(context.Background(), c, []byte(test.body), noted{}).Status; got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestADeepEventLeavesItsNeighboursReadable(t *testing.T) {
	c := consumer(func(string) error { return nil })
	for _, depth := range []int{9_996, 9_998, 20_000} {
		deep := `{"entryId": "deep", "event": {"id": "d", "source": "order", "data": {"orderSn": "x", "version": ` +
			strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}}}`
		body := `{"entries": [` + entryOf("a", "A", "1") + `,` + deep + `,` + entryOf("b", "B", "1") + `]}`
		got := map[string]Status{}
		for _, each := range Take(context.Background(), c, []byte(body), noted{}).Statuses {
			got[each.EntryID] = each.Status
		}
		if want := map[string]Status{"a": Success, "deep": Drop, "b": Success}; !maps.Equal(got, want) {
			t.Errorf("%d levels: %v, want %v", depth, got, want)
		}
	}
}

func TestALetterIsKnownByItsKeyWhereAllOfItIsACloudEvent(t *testing.T) {
	tests := map[string]bool{
		`"data": null`: true, `"data": [5]`: true, `"x": 1`: true, `"subject": null`: true, `"time": 5`: true,
		`"data": "\u0000"`: true, `"data": "\ud800"`: false, `"type": null`: false, `"type": 5`: false,
		`"subject": 5`: false, `"traceparent": []`: false, `"tracestate": {}`: false, `"data":`: false,
		`"data": ` + strings.Repeat("7", 4301):                           false,
		`"data": ` + strings.Repeat("[", 200) + strings.Repeat("]", 200): true,
		`"data": ` + strings.Repeat("[", 201) + strings.Repeat("]", 201): false,
	}
	for member, want := range tests {
		id, source, err := ParseKey([]byte(`{"id": "a", "source": "o", ` + member + `}`))
		if (err == nil) != want || (want && (id != "a" || source != "o")) {
			t.Errorf("%.40s: %q, %q, %v", member, id, source, err)
		}
	}
}
