package httpapi

import (
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/metrics"
)

// crowd bounds how many connections are open at once, in all and by address. An address in a trusted network (the own
// sidecar, a proxy) stands for many people.
type crowd struct {
	net.Listener
	limits  config.Limits
	metrics *metrics.Metrics

	mutex     sync.Mutex
	open      int
	byAddress map[netip.Addr]int
}

// Bounded closes connections that are too many as soon as they come.
func Bounded(listener net.Listener, limits config.Limits, m *metrics.Metrics) net.Listener {
	for _, reason := range []string{"all_are_taken", "address_is_full"} {
		m.ConnectionsCut.WithLabelValues(reason)
	}
	return &crowd{Listener: listener, limits: limits, metrics: m, byAddress: map[netip.Addr]int{}}
}

// Accept waits for a connection that there is room for.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		connection, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address, reason := c.enter(connection)
		if reason == "" {
			return &guest{Conn: connection, leave: sync.OnceFunc(func() { c.leave(address) })}, nil
		}
		c.metrics.ConnectionsCut.WithLabelValues(reason).Inc()
		_ = connection.Close() // nothing was read or written
	}
}

func (c *crowd) enter(connection net.Conn) (counted netip.Addr, refused string) {
	counted = c.counted(connection)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if counted.IsValid() && c.byAddress[counted] >= c.limits.ConnectionsPerAddress {
		return counted, "address_is_full"
	}
	if c.open >= c.limits.Connections {
		return counted, "all_are_taken"
	}
	c.open++
	c.metrics.Connections.Inc()
	if counted.IsValid() {
		c.byAddress[counted]++
	}
	return counted, ""
}

func (c *crowd) leave(counted netip.Addr) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.open--
	c.metrics.Connections.Dec()
	if !counted.IsValid() {
		return
	}
	if c.byAddress[counted]--; c.byAddress[counted] == 0 {
		delete(c.byAddress, counted)
	}
}

// counted is what connections from there are counted under: nothing (invalid) when it is trusted; of IPv6 the network of one
// site, within which a host changes addresses freely.
func (c *crowd) counted(connection net.Conn) netip.Addr {
	remote, err := netip.ParseAddrPort(connection.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	address := remote.Addr().Unmap()
	if slices.ContainsFunc(c.limits.TrustedPeers, func(each netip.Prefix) bool { return each.Contains(address) }) {
		return netip.Addr{}
	}
	if address.Is6() {
		return netip.PrefixFrom(address, 64).Masked().Addr()
	}
	return address
}

// guest is one open connection.
type guest struct {
	net.Conn
	leave func()
}

// Close frees its place.
func (g *guest) Close() error {
	g.leave()
	return g.Conn.Close()
}
