package httpapi

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/text"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

// details is the body of a refusal (RFC 9457), with the source system's code and msg for its clients.
type details struct {
	Type    string               `json:"type"`
	Title   string               `json:"title"`
	Status  int                  `json:"status"`
	Detail  string               `json:"detail"`
	Code    int                  `json:"code"`
	Msg     string               `json:"msg"`
	TraceID string               `json:"trace_id"`
	Field   string               `json:"field,omitempty"`
	Errors  []problem.FieldError `json:"errors,omitempty"`
}

// render writes the problem of an error; any other error than a problem is logged and told as a 500.
func (s *Server) render(w http.ResponseWriter, c *call, err error) {
	found := problem.Of(err)
	if found == nil {
		s.Log.ErrorContext(c.Context(), "unexpected error", "route", c.URL.Path, "error", fmt.Sprintf("%T: %s", err, err))
		found = problem.New(problem.Server, "an unexpected error; the log has it under the trace id")
	} else if found.Kind.Status >= 500 {
		s.Log.WarnContext(c.Context(), "request failed", "slug", found.Kind.Slug, "detail", found.Detail)
	}
	s.noteRefusal(w, c, found)
	language := text.PreferredLanguage(c.Header.Get("Accept-Language"))
	content, _ := json.Marshal(details{ // texts and numbers: nothing that Marshal refuses
		Type: "/problems/" + found.Kind.Slug, Title: s.Catalogue.Text(found.Kind.Slug, "en"), Status: found.Kind.Status,
		Detail: found.Detail, Code: found.Kind.Code, Msg: s.Catalogue.Text(found.Kind.Slug, language),
		TraceID: tracing.ID(c.Context()), Field: found.Field, Errors: found.Errors,
	})
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Content-Language", map[string]string{"zh": "zh-CN", "en": "en"}[language])
	if found.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(found.RetryAfter))
	}
	if found.Kind.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(found.Kind.Status)
	_, _ = w.Write(content) // no client left to tell of an error
}

// noteRefusal writes it into the security log, if it belongs there.
func (s *Server) noteRefusal(w http.ResponseWriter, c *call, found *problem.Error) {
	if found.Kind.Security == "" {
		return
	}
	route := unrouted
	if answer, ok := w.(*recorder); ok {
		route = answer.routeName()
	}
	facts := []any{"reason", found.Detail, "route", route, "address", clientOf(c)}
	if c.userID != 0 {
		facts = append(facts, "user_id", c.userID)
	}
	s.Security.Event(c.Context(), found.Kind.Security, facts...)
}

// clientOf is where the client is: what the gateway passed on with the request, else the other end of the connection.
func clientOf(c *call) string {
	if c.bySidecar {
		if address := net.ParseIP(c.Header.Get("client-address")); address != nil {
			return address.String()
		}
		return ""
	}
	host, _, err := net.SplitHostPort(c.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}
