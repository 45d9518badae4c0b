package httpapi

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
)

// open makes a connection to a crowd that takes it or cuts it; whether it was taken.
func open(t *testing.T, bounded net.Listener, taken chan net.Conn) (net.Conn, bool) {
	t.Helper()
	client, err := net.Dial("tcp", bounded.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	cut := make(chan struct{})
	go func() {
		_, _ = client.Read(make([]byte, 1))
		close(cut)
	}()
	select {
	case server := <-taken:
		return server, true
	case <-cut:
		return nil, false
	case <-time.After(5 * time.Second):
		t.Fatal("neither taken nor cut")
	}
	return nil, false
}

func TestConnectionsAreBounded(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	tests := map[string]config.Limits{
		"in all":     {Connections: 2, ConnectionsPerAddress: 1, TrustedPeers: loopback},
		"by address": {Connections: 9, ConnectionsPerAddress: 2},
	}
	for name, limits := range tests {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = listener.Close() })
			bounded, taken := Bounded(listener, limits, metrics.New()), make(chan net.Conn)
			go func() {
				for {
					connection, err := bounded.Accept()
					if err != nil {
						return
					}
					taken <- connection
				}
			}()
			first, ok := open(t, bounded, taken)
			if _, second := open(t, bounded, taken); !ok || !second {
				t.Fatal("one of two was cut")
			}
			if _, third := open(t, bounded, taken); third {
				t.Error("a third was taken")
			}
			for range 2 { // a second close frees no other place
				_ = first.Close()
			}
			if _, again := open(t, bounded, taken); !again {
				t.Error("the place of one that ended stays taken")
			}
			if _, more := open(t, bounded, taken); more {
				t.Error("one place was given twice")
			}
		})
	}
}
