package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/neterr"
	"github.com/minsu/minsu/seats/notification-go/internal/tracing"
)

const (
	connectTimeout = 2 * time.Second
	// Shorter than any server's: a connection that closes under a request leaves the outcome of a message unknown.
	keepAlive = 5 * time.Second
	// For access tokens, beside the connections of messages.
	spareConnections = 8
	largestAnswer    = 1 << 20
	longestLife      = 31 * 86400 // seconds of a token
)

// callError is a call without a usable answer. MaybeTaken: WeChat may have processed the request (no answer, an unreadable
// one, a server error); else it did not. The text never has the URL, which holds the access token.
type callError struct {
	why        string
	maybeTaken bool
}

func (e *callError) Error() string { return e.why }

// answer has the common fields of WeChat's answers; on success Errcode is 0 or, for a token, absent.
type answer struct {
	Errcode     *int32 `json:"errcode"`
	Errmsg      string `json:"errmsg"`
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
}

// transport posts to WeChat's API.
type transport struct {
	base string
	http *http.Client
}

func newTransport(c config.Config, tracer *tracing.Tracer) *transport {
	most := c.Messages.Parallel + c.Messages.ParallelRetries + spareConnections
	pool := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: min(connectTimeout, c.WeChat.Timeout)}).DialContext,
		MaxConnsPerHost:     most,
		MaxIdleConnsPerHost: most,
		IdleConnTimeout:     keepAlive,
		TLSHandshakeTimeout: connectTimeout,
	}
	client := &http.Client{
		Transport:     tracing.Transport{Base: pool, Tracer: tracer},
		Timeout:       c.WeChat.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &transport{base: c.WeChat.BaseURL, http: client}
}

// post returns WeChat's answer, whatever its errcode, or a callError.
func (t *transport) post(ctx context.Context, path string, body any, accessToken string) (answer, error) {
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return answer{}, err
	}
	address := t.base + path
	if accessToken != "" {
		address += "?access_token=" + url.QueryEscape(accessToken)
	}
	var left atomic.Bool // a connection was found: the request may have left
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { left.Store(true) }}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodPost, address, &content)
	if err != nil {
		return answer{}, &callError{why: "the URL cannot be used"}
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := t.http.Do(request)
	if err != nil {
		return answer{}, &callError{neterr.Kind(err), left.Load()}
	}
	defer func() { _ = response.Body.Close() }() // read whole below
	read, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	switch {
	case err != nil:
		return answer{}, &callError{neterr.Kind(err), true}
	case response.StatusCode >= 500:
		return answer{}, &callError{fmt.Sprintf("HTTP %d", response.StatusCode), true}
	case response.StatusCode < 200 || response.StatusCode > 299:
		return answer{}, &callError{fmt.Sprintf("HTTP %d", response.StatusCode), false}
	}
	var found answer
	if json.Unmarshal(read, &found) != nil || found.ExpiresIn < 0 || found.ExpiresIn > longestLife {
		return answer{}, &callError{"an answer that cannot be read", true}
	}
	found.Errmsg = storable(found.Errmsg)
	return found, nil
}

// storable writes out what PostgreSQL's text cannot hold, and is at most 300 characters long.
func storable(text string) string {
	characters := []rune(strings.ReplaceAll(text, "\x00", `\u0000`))
	return string(characters[:min(len(characters), 300)])
}
