// Package neterr names what went wrong with an HTTP call, for log lines and for what is stored of an attempt.
package neterr

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
)

// Kind names the failure of a call by net/http, or of reading its response. The text never has the URL, which an error's own
// text quotes: a query holds an access token.
func Kind(err error) string {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return "no response in time"
	}
	var resolving *net.DNSError
	if errors.As(err, &resolving) {
		return "the name of the host: " + resolving.Err
	}
	var operation *net.OpError
	if errors.As(err, &operation) {
		return fmt.Sprintf("%s: %s", operation.Op, operation.Err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed"
	}
	return fmt.Sprintf("%T", err)
}
