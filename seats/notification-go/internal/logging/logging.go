// Package logging writes structured lines to standard output, with the field names of the Python services: event, level,
// timestamp, service and trace_id.
package logging

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

var secret = regexp.MustCompile(
	`(?i)authorization|token|password|secret|apiv3|private|session_key|signature|openid|checkin_code`)

// word is what an openid may be one of: 28 letters, digits, _ and -, the first an o, and a capital letter at least, which
// no topic's name has.
var word = regexp.MustCompile(`[\w-]+`)

// New makes a logger: JSON lines for machines, name=value for people; values whose name is that of a secret are masked,
// openids in others shortened: WeChat's refusals name them.
func New(out io.Writer, format, level, service string) *slog.Logger {
	options := &slog.HandlerOptions{Level: levelOf(level), ReplaceAttr: renamed}
	var handler slog.Handler = slog.NewTextHandler(out, options)
	if strings.EqualFold(format, "json") {
		handler = slog.NewJSONHandler(out, options)
	}
	return slog.New(traced{handler}).With("service", service)
}

func levelOf(name string) slog.Level {
	switch strings.ToUpper(name) {
	case "DEBUG":
		return slog.LevelDebug
	case "WARN", "WARNING":
		return slog.LevelWarn
	case "ERROR", "CRITICAL":
		return slog.LevelError
	}
	return slog.LevelInfo
}

func renamed(groups []string, attribute slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch attribute.Key {
		case slog.TimeKey:
			return slog.String("timestamp", attribute.Value.Time().UTC().Format("2006-01-02T15:04:05.000000Z"))
		case slog.LevelKey:
			level := strings.ToLower(attribute.Value.String())
			if level == "warn" {
				level = "warning"
			}
			return slog.String("level", level)
		case slog.MessageKey:
			return slog.Attr{Key: "event", Value: attribute.Value}
		}
	}
	if attribute.Value.Kind() == slog.KindDuration {
		return slog.Float64(attribute.Key, attribute.Value.Duration().Round(time.Millisecond).Seconds())
	}
	if secret.MatchString(attribute.Key) {
		return slog.String(attribute.Key, "***")
	}
	if attribute.Value.Kind() == slog.KindString {
		return slog.String(attribute.Key, shortened(attribute.Value.String()))
	}
	return attribute
}

func shortened(text string) string {
	return word.ReplaceAllStringFunc(text, func(each string) string {
		if len(each) == 28 && each[0] == 'o' && strings.ContainsAny(each, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			return each[:4] + "…"
		}
		return each
	})
}

// traced adds the id of the current trace to each line, unless the line names one itself.
type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, record slog.Record) error {
	named := false
	record.Attrs(func(each slog.Attr) bool {
		named = each.Key == "trace_id"
		return !named
	})
	if id := tracing.ID(ctx); id != "" && !named {
		record.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, record)
}

func (h traced) WithAttrs(attributes []slog.Attr) slog.Handler {
	return traced{h.Handler.WithAttrs(attributes)}
}

func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }
