// The receiver of spans of `make bench ONLY=tracing`: takes OTLP over HTTP (protobuf) on a free port of loopback and keeps
// nothing but three sums. It is a process of its own, so that its work is counted apart. Standard library only.
//
// The first line of its output is its address; GET /taken returns the sums so far as JSON.
package main

import (
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
)

// Where spans are in an ExportTraceServiceRequest: resource_spans, scope_spans, spans.
var toSpans = []uint64{1, 2, 2}

var requests, octets, spans atomic.Int64

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.HandleFunc("POST /v1/traces", take)
	http.HandleFunc("GET /taken", taken)
	fmt.Println(listener.Addr())
	fmt.Fprintln(os.Stderr, http.Serve(listener, nil))
	os.Exit(1)
}

func take(response http.ResponseWriter, request *http.Request) {
	body, err := read(request)
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	found, err := count(body, toSpans)
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	requests.Add(1)
	octets.Add(int64(len(body)))
	spans.Add(found)
	response.Header().Set("Content-Type", "application/x-protobuf")
}

func taken(response http.ResponseWriter, _ *http.Request) {
	json.NewEncoder(response).Encode(map[string]int64{
		"requests": requests.Load(), "octets": octets.Load(), "spans": spans.Load(),
	})
}

func read(request *http.Request) ([]byte, error) {
	if request.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(request.Body)
	}
	unpacked, err := gzip.NewReader(request.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unpacked)
}

// count says how many messages lie at the end of a path of field numbers.
func count(message []byte, path []uint64) (int64, error) {
	if len(path) == 0 {
		return 1, nil
	}
	var found int64
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 {
			return 0, io.ErrUnexpectedEOF
		}
		value, rest, err := field(message[n:], tag&7)
		if err != nil {
			return 0, err
		}
		if tag>>3 == path[0] && tag&7 == 2 {
			below, err := count(value, path[1:])
			if err != nil {
				return 0, err
			}
			found += below
		}
		message = rest
	}
	return found, nil
}

// field splits the value of a protobuf field off, by its wire type.
func field(message []byte, kind uint64) (value, rest []byte, err error) {
	length, begin := uint64(0), 0
	switch kind {
	case 0:
		_, begin = binary.Uvarint(message)
	case 1:
		begin = 8
	case 2:
		length, begin = binary.Uvarint(message)
	case 5:
		begin = 4
	default:
		return nil, nil, fmt.Errorf("no wire type %d", kind)
	}
	if begin <= 0 || begin > len(message) || length > uint64(len(message)-begin) {
		return nil, nil, io.ErrUnexpectedEOF
	}
	end := begin + int(length)
	return message[begin:end], message[end:], nil
}
