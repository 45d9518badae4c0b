// The load client of `make bench`: sends HTTP/1.1 requests that were rendered beforehand over keep-alive connections.
//
// A file of requests (4-byte big-endian length, bytes) goes in, one line of JSON comes out: statuses, latencies in ms and
// the client's own processor seconds. With -rate requests leave at that rate whatever the answers do, and a latency
// counts from when its request was to leave. Standard library only.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type sample struct {
	index   int
	status  int // 0: the connection broke
	sent    time.Time
	latency time.Duration
}

type run struct {
	address  string
	requests [][]byte
	next     atomic.Int64
	last     int64 // requests to send in all; more than the file holds begins again at its start
	began    time.Time
	until    time.Time
	rate     float64
}

func main() {
	address := flag.String("address", "", "host:port")
	file := flag.String("requests", "", "file of rendered requests")
	connections := flag.Int("connections", 32, "open at once; each has one request under way")
	rate := flag.Float64("rate", 0, "requests a second; 0: each follows the last answer")
	seconds := flag.Float64("seconds", 0, "send the file again and again for so long; 0: once")
	sentAt := flag.String("sent-at", "", "write the moment each request left here (index, nanoseconds since 1970)")
	flag.Parse()

	requests, err := read(*file)
	if err != nil {
		fail(err)
	}
	work := &run{address: *address, requests: requests, last: int64(len(requests)), began: time.Now(), rate: *rate}
	if *seconds > 0 {
		work.last, work.until = 1<<62, work.began.Add(time.Duration(*seconds*float64(time.Second)))
	}
	samples := work.all(*connections)
	if *sentAt != "" {
		if err := writeMoments(*sentAt, samples); err != nil {
			fail(err)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(summary(samples, time.Since(work.began))); err != nil {
		fail(err)
	}
}

func (r *run) all(connections int) []sample {
	each := make([][]sample, connections)
	var done sync.WaitGroup
	for place := range connections {
		done.Add(1)
		go func() {
			defer done.Done()
			each[place] = r.one()
		}()
	}
	done.Wait()
	return slices.Concat(each...)
}

// one is a connection: it takes the next request that no other connection took, and connects again after a fault.
func (r *run) one() []sample {
	var (
		samples []sample
		conn    net.Conn
		reader  *bufio.Reader
	)
	for {
		number := r.next.Add(1) - 1
		due := r.due(number)
		if number >= r.last || (!r.until.IsZero() && due.After(r.until)) {
			if conn != nil {
				conn.Close()
			}
			return samples
		}
		time.Sleep(time.Until(due))
		index := int(number % int64(len(r.requests)))
		if conn == nil {
			fresh, err := net.DialTimeout("tcp", r.address, 5*time.Second)
			if err != nil {
				samples = append(samples, sample{index: index, sent: due, latency: time.Since(due)})
				time.Sleep(10 * time.Millisecond)
				continue
			}
			conn, reader = fresh, bufio.NewReaderSize(fresh, 16<<10)
		}
		status, closes := exchange(conn, reader, r.requests[index])
		samples = append(samples, sample{index: index, status: status, sent: due, latency: time.Since(due)})
		if closes {
			conn.Close()
			conn = nil
		}
	}
}

func (r *run) due(number int64) time.Time {
	if r.rate <= 0 {
		return time.Now()
	}
	return r.began.Add(time.Duration(float64(number) / r.rate * float64(time.Second)))
}

// exchange returns the status (0 for a broken connection) and whether the connection is of no further use.
func exchange(conn net.Conn, reader *bufio.Reader, request []byte) (int, bool) {
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := conn.Write(request); err != nil {
		return 0, true
	}
	line, err := reader.ReadString('\n')
	if err != nil || len(line) < 12 {
		return 0, true
	}
	status, _ := strconv.Atoi(line[9:12])
	length, chunked, closes := 0, false, false
	for {
		header, err := reader.ReadString('\n')
		if err != nil {
			return 0, true
		}
		header = strings.ToLower(strings.TrimSpace(header))
		switch {
		case header == "":
			if err := skip(reader, length, chunked); err != nil {
				return 0, true
			}
			return status, closes
		case strings.HasPrefix(header, "content-length:"):
			length, _ = strconv.Atoi(strings.TrimSpace(header[len("content-length:"):]))
		case strings.HasPrefix(header, "transfer-encoding:"):
			chunked = strings.Contains(header, "chunked")
		case header == "connection: close":
			closes = true
		}
	}
}

func skip(reader *bufio.Reader, length int, chunked bool) error {
	if !chunked {
		_, err := reader.Discard(length)
		return err
	}
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(line), 16, 32)
		if err != nil {
			return err
		}
		if _, err := reader.Discard(int(size) + 2); err != nil || size == 0 {
			return err
		}
	}
}

func read(name string) ([][]byte, error) {
	whole, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var requests [][]byte
	for len(whole) > 0 {
		if len(whole) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		length := int(binary.BigEndian.Uint32(whole))
		if len(whole) < 4+length {
			return nil, io.ErrUnexpectedEOF
		}
		requests = append(requests, whole[4:4+length])
		whole = whole[4+length:]
	}
	if len(requests) == 0 {
		return nil, fmt.Errorf("%s holds no request", name)
	}
	return requests, nil
}

func writeMoments(name string, samples []sample) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(out)
	for _, each := range samples {
		fmt.Fprintln(buffered, each.index, each.sent.UnixNano())
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return out.Close()
}

func summary(samples []sample, took time.Duration) map[string]any {
	statuses, latencies := map[string]int{}, make([]time.Duration, 0, len(samples))
	for _, each := range samples {
		name := "connection lost"
		if each.status != 0 {
			name = strconv.Itoa(each.status)
			latencies = append(latencies, each.latency)
		}
		statuses[name]++
	}
	slices.Sort(latencies)
	at := func(share float64) float64 {
		if len(latencies) == 0 {
			return 0
		}
		place := min(len(latencies)-1, int(float64(len(latencies))*share))
		return float64(latencies[place].Microseconds()) / 1000
	}
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	processor := time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
	return map[string]any{
		"seconds": took.Seconds(), "answers": len(latencies), "statuses": statuses, "processor_seconds": processor,
		"p50_ms": at(0.5), "p99_ms": at(0.99), "longest_ms": at(1),
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "load client:", err)
	os.Exit(1)
}
