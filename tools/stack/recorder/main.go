// The recorder stands between daprd and the app beside it and keeps what passes: RECORD=1 of the stack (docs/decisions/0042).
//
//	recorder -control 127.0.0.1:8099 order=8023:8003 payment=8024:8004
//
// Each link listens on its first port on loopback and passes every byte on to the second, as it came. GET /exchanges on the
// control address returns the exchanges that were seen, one JSON object a line; GET /healthz returns 204 when all links listen.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

func main() {
	control := flag.String("control", "127.0.0.1:8099", "address of /healthz and /exchanges")
	flag.Parse()
	store := newStore()
	for _, argument := range flag.Args() {
		one, err := parseLink(argument)
		if err != nil {
			log.Fatal(err)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:"+one.front)
		if err != nil {
			log.Fatalf("%s: %v", one.app, err)
		}
		go one.accept(listener, store)
	}
	log.Printf("recording %s; exchanges at http://%s/exchanges", strings.Join(flag.Args(), " "), *control)
	server := http.Server{Addr: *control, Handler: routes(store), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func routes(store *store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/exchanges", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jsonl")
		if err := store.writeTo(w); err != nil {
			log.Printf("exchanges were not written out: %v", err)
		}
	})
	return mux
}

// parseLink reads "order=8023:8003": the app, the port to listen on, the app's own port.
func parseLink(text string) (link, error) {
	app, ports, named := strings.Cut(text, "=")
	front, back, both := strings.Cut(ports, ":")
	if !named || !both || app == "" || front == "" || back == "" {
		return link{}, fmt.Errorf("%q is no link: write app=front:back", text)
	}
	return link{app: app, front: front, back: back}, nil
}
