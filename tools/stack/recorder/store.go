package main

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"strings"
	"sync"
)

// Exchanges of one kind differ in values alone; so many of them are kept, the others are counted.
const samplesOfAKind = 25

// A bound for a system that is left running: kinds beyond it are counted as one.
const mostKinds = 20000

// A store holds what was seen, in memory alone: bodies hold what is personal, and nothing of it reaches a disk here.
type store struct {
	mutex sync.Mutex
	seed  maphash.Seed
	kinds map[string]*kind
	order []*kind
	lost  int
	bad   map[string]int
}

type kind struct {
	count   int
	samples [][]byte
	seen    map[uint64]bool
}

func newStore() *store {
	return &store{seed: maphash.MakeSeed(), kinds: map[string]*kind{}, bad: map[string]int{}}
}

func (s *store) keep(one exchange) {
	name := nameOf(one)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := s.kinds[name]
	if found == nil {
		if len(s.order) >= mostKinds {
			s.lost++
			return
		}
		found = &kind{seen: map[uint64]bool{}}
		s.kinds[name] = found
		s.order = append(s.order, found)
	}
	found.count++
	if len(found.samples) >= samplesOfAKind {
		return
	}
	line, err := json.Marshal(one)
	if err != nil {
		s.bad[one.App+" exchange"]++
		return
	}
	if digest := maphash.Bytes(s.seed, line); !found.seen[digest] {
		found.seen[digest] = true
		found.samples = append(found.samples, line)
	}
}

// unreadable counts connections whose `part` could not be read as HTTP.
func (s *store) unreadable(app, part string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.bad[app+" "+part]++
}

// writeTo writes a summary, then each kind: {"count": …, "samples": [exchange …]}.
func (s *store) writeTo(sink io.Writer) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	out := json.NewEncoder(sink)
	if err := out.Encode(map[string]any{"lost": s.lost, "unreadable": s.bad}); err != nil {
		return err
	}
	for _, one := range s.order {
		samples := make([]json.RawMessage, len(one.samples))
		for place, sample := range one.samples {
			samples[place] = sample
		}
		if err := out.Encode(map[string]any{"count": one.count, "samples": samples}); err != nil {
			return err
		}
	}
	return nil
}

func nameOf(one exchange) string {
	parts := []string{
		one.App, one.Method, withoutNumbers(one.Path), strings.Join(one.Query, ","), fmt.Sprint(one.Delivered),
		fmt.Sprint(one.Status),
	}
	for _, half := range []message{one.Request, one.Answer} {
		shape := ""
		if half.Body != nil {
			shape = half.Body.shape
		}
		parts = append(
			parts, half.Headers["content-type"], half.Headers["dapr-caller-app-id"], strings.Join(half.Has, ","),
			fmt.Sprint(half.Whole, half.Bytes == 0), shape,
		)
	}
	return strings.Join(parts, "\x00")
}
