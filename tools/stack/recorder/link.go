package main

import (
	"io"
	"log"
	"net"
	"sync"
)

// A link passes the connections to one port on to an app. What it passes is never changed, delayed or read again: parsing
// happens beside it, on a copy.
type link struct{ app, front, back string }

func (l link) accept(listener net.Listener, store *store) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Printf("%s: %v", l.app, err)
			return
		}
		go l.pass(connection.(*net.TCPConn), store)
	}
}

func (l link) pass(caller *net.TCPConn, store *store) {
	defer caller.Close()
	dialled, err := net.Dial("tcp", "127.0.0.1:"+l.back)
	if err != nil { // the app is down: its caller sees a broken connection
		reset(caller)
		return
	}
	app := dialled.(*net.TCPConn)
	defer app.Close()
	requests, answers := newTape(), newTape()
	go follow(l.app, requests, answers, store)
	var both sync.WaitGroup
	both.Add(2)
	go func() {
		defer both.Done()
		stream(app, caller, requests)
	}()
	go func() {
		defer both.Done()
		stream(caller, app, answers)
	}()
	both.Wait()
}

// stream copies until the source ends, then closes the sink's half; after an error it breaks both connections.
func stream(sink, source *net.TCPConn, copied *tape) {
	defer copied.end()
	if _, err := io.Copy(io.MultiWriter(copied, onlyWriter{sink}), source); err != nil {
		reset(sink)
		reset(source)
		return
	}
	_ = sink.CloseWrite() // fails where the other side is gone, which is what it would say
}

// reset makes the other end see a connection that broke, not one that ended.
func reset(connection *net.TCPConn) {
	_ = connection.SetLinger(0)
	_ = connection.Close()
}

// onlyWriter hides ReadFrom, with which io.Copy would go past the copy.
type onlyWriter struct{ io.Writer }

// A tape holds bytes until they are read. Writing never waits, so its reader holds no traffic up.
type tape struct {
	mutex   sync.Mutex
	written *sync.Cond
	bytes   []byte
	ended   bool
	stopped bool
}

func newTape() *tape {
	t := &tape{}
	t.written = sync.NewCond(&t.mutex)
	return t
}

func (t *tape) Write(bytes []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if !t.stopped {
		t.bytes = append(t.bytes, bytes...)
		t.written.Signal()
	}
	return len(bytes), nil
}

func (t *tape) Read(into []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for len(t.bytes) == 0 && !t.ended {
		t.written.Wait()
	}
	if len(t.bytes) == 0 {
		return 0, io.EOF
	}
	count := copy(into, t.bytes)
	if t.bytes = t.bytes[count:]; len(t.bytes) == 0 {
		t.bytes = nil
	}
	return count, nil
}

// end says that nothing more will be written.
func (t *tape) end() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.ended = true
	t.written.Signal()
}

// stop says that nothing more will be read: what is written from now on is dropped.
func (t *tape) stop() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.stopped, t.bytes = true, nil
}
