package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

const longestBody = 16 << 20

// An exchange is one request and its answer.
type exchange struct {
	App       string   `json:"app"`
	Method    string   `json:"method"`
	Path      string   `json:"path"`
	Query     []string `json:"query"`     // names alone
	Delivered bool     `json:"delivered"` // came on the path that only the app's own subscriptions and bindings know
	Status    int      `json:"status"`    // 0: the app answered nothing that could be read
	Request   message  `json:"request"`
	Answer    message  `json:"answer"`
}

// A message is one half of an exchange.
type message struct {
	Headers map[string]string `json:"headers"` // values of the harmless ones
	Has     []string          `json:"has"`     // names of those whose values are not kept
	Whole   bool              `json:"whole"`
	Bytes   int               `json:"bytes"`
	Body    *body             `json:"body"` // null where it is no JSON
}

var (
	shownHeaders = []string{
		"accept", "content-encoding", "content-language", "content-type", "dapr-caller-app-id", "retry-after",
	}
	namedHeaders = []string{
		"authorization", "dapr-api-token", "idempotency-key", "traceparent", "tracestate", "www-authenticate",
	}
)

const deliveredPath = "/delivered/"

// follow reads the exchanges of one connection, one after another, until it ends or can no longer be read.
func follow(app string, requests, answers *tape, store *store) {
	defer requests.stop()
	defer answers.stop()
	asked, answered := bufio.NewReader(requests), bufio.NewReader(answers)
	for {
		request, err := http.ReadRequest(asked)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				store.unreadable(app, "request")
			}
			return
		}
		seen := exchange{App: app, Method: request.Method, Answer: noMessage()}
		seen.Path, seen.Delivered = pathOf(request)
		seen.Query = names(request.URL.Query())
		seen.Request = read(request.Header, request.Body)
		answer, err := finalAnswer(answered, request)
		if err != nil { // it died, or its caller went
			store.keep(seen)
			return
		}
		seen.Status = answer.StatusCode
		seen.Answer = read(answer.Header, answer.Body)
		if answer.StatusCode >= http.StatusBadRequest {
			seen.Request.Body = nil // what was refused may be anything, and there is a lot of it
		}
		store.keep(seen)
		if !seen.Request.Whole || !seen.Answer.Whole || answer.StatusCode == http.StatusSwitchingProtocols {
			return
		}
	}
}

// pathOf returns the path as it was sent, and whether it came with a delivery token, which is cut off.
func pathOf(request *http.Request) (string, bool) {
	path, _, _ := strings.Cut(request.RequestURI, "?")
	if rest, found := strings.CutPrefix(path, deliveredPath); found {
		if _, route, found := strings.Cut(rest, "/"); found {
			return "/" + route, true
		}
	}
	return path, false
}

// finalAnswer skips 100 Continue and its like.
func finalAnswer(from *bufio.Reader, request *http.Request) (*http.Response, error) {
	for {
		answer, err := http.ReadResponse(from, request)
		if err != nil || answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			return answer, err
		}
	}
}

func read(headers http.Header, from io.ReadCloser) message {
	defer from.Close()
	content, err := io.ReadAll(io.LimitReader(from, longestBody))
	one := noMessage()
	one.Whole, one.Bytes = err == nil, len(content)
	for _, name := range shownHeaders {
		if values := headers.Values(name); len(values) > 0 {
			one.Headers[name] = strings.Join(values, ", ")
		}
	}
	for _, name := range namedHeaders {
		if len(headers.Values(name)) > 0 {
			one.Has = append(one.Has, name)
		}
	}
	if one.Whole {
		one.Body = parseBody(content)
	}
	return one
}

func noMessage() message {
	return message{Headers: map[string]string{}, Has: []string{}}
}

func names(query map[string][]string) []string {
	found := make([]string, 0, len(query))
	for name := range query {
		found = append(found, name)
	}
	slices.Sort(found)
	return found
}
