package logging

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestALineQuotesNoOpenid(t *testing.T) {
	for _, format := range []string{"json", "console"} {
		var out bytes.Buffer
		log := New(&out, format, "INFO", "notification")
		log.Info("message was not delivered", "topic", "order-refund-requested-topic", "openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
			"reason", "40003 invalid openid: oUpF8uMuAJO_M2pxb1Q9zNjWeS6o, not oAnotherBuyer_0123456789-abc")
		said := out.String()
		if strings.Contains(said, "8uMuAJO") || strings.Contains(said, "therBuyer") {
			t.Fatalf("an openid is in %s", said)
		}
		if !strings.Contains(said, "oUpF…, not oAno…") || !strings.Contains(said, "order-refund-requested-topic") {
			t.Fatalf("wrong line: %s", said)
		}
	}
}

func TestASecretInAGroupIsMasked(t *testing.T) {
	var out bytes.Buffer
	New(&out, "json", "INFO", "notification").Info("asked", slog.Group("told", "apiV3", "hunter2", "page", 2))
	if said := out.String(); !strings.Contains(said, `"told":{"apiV3":"***","page":2}`) {
		t.Fatalf("wrong line: %s", said)
	}
}
