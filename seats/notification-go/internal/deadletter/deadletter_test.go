package deadletter

import "testing"

func TestAsPublished(t *testing.T) {
	tests := map[string]struct{ delivered, want string }{
		"wrapped by the sidecar": {`{"type": "com.dapr.event.sent", "data_base64": "bm8gSlNPTg=="}`, "no JSON"},
		"wrapped, empty":         {`{"type": "com.dapr.event.sent", "data_base64": ""}`, ""},
		"as it is":               {`{"type": "minsu.order.tradestate-updated.v1"}`, `{"type": "minsu.order.tradestate-updated.v1"}`},
		"of another type":        {`{"type": "a", "data_base64": "bm8="}`, `{"type": "a", "data_base64": "bm8="}`},
		"no base64":              {`{"type": "com.dapr.event.sent", "data_base64": "!"}`, `{"type": "com.dapr.event.sent", "data_base64": "!"}`},
		"no JSON":                {"no JSON", "no JSON"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := string(asPublished([]byte(test.delivered))); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
