package neterr

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

const secret = "T1"

func TestKind(t *testing.T) {
	closed := &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{Port: 443}, Err: syscall.ECONNRESET}
	unknown := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "wechat." + secret, Server: "10.0.0.1:53"}}
	tests := map[string]struct {
		err  error
		want string
	}{
		"timeout":         {context.DeadlineExceeded, "no response in time"},
		"timeout of dial": {&net.OpError{Op: "dial", Err: context.DeadlineExceeded}, "no response in time"},
		"reset":           {closed, "read: connection reset by peer"},
		"unknown host":    {unknown, "the name of the host: no such host"},
		"end":             {io.EOF, "the connection was closed"},
		"broken off":      {io.ErrUnexpectedEOF, "the connection was closed"},
		"anything else":   {errors.New("quotes " + secret), "*errors.errorString"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, err := range []error{test.err, &url.Error{Op: "Post", URL: "http://h/?access_token=" + secret, Err: test.err}} {
				if got := Kind(err); got != test.want {
					t.Errorf("%q, want %q", got, test.want)
				}
			}
		})
	}
}

func TestKindOfRealCalls(t *testing.T) {
	silent := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/silent" {
			<-silent
		}
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	defer close(silent)
	tests := map[string]struct{ address, want string }{
		"silent":     {server.URL + "/silent", "no response in time"},
		"broken off": {server.URL + "/broken", "the connection was closed"},
		"refused":    {"http://127.0.0.1:1/refused", "dial: connect: connection refused"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := http.Client{Timeout: 300 * time.Millisecond}
			response, err := client.Get(test.address + "?access_token=" + secret)
			if err == nil {
				_ = response.Body.Close()
				t.Fatal("it responded")
			}
			if got := Kind(err); got != test.want || strings.Contains(got, secret) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
