package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/task"
)

const (
	// pause is the least time between two batches that found free places left: what becomes due meanwhile shares the price
	// of one.
	pause = 250 * time.Millisecond
	// grace is how long deliveries in progress may take after SIGTERM; those cut then are retried when their lease ends.
	grace = 8 * time.Second
)

// Courier delivers due tasks in batches, at most Parallel tasks at a time. One batch at a time is prepared: what becomes due
// meanwhile is the next batch. Sends of several batches overlap. A task that comes alone waits for nothing.
type Courier struct {
	claim    func(ctx context.Context, limit int) ([]task.Claim, error)
	deliver  func(ctx context.Context, claims []task.Claim, done func(int)) int
	parallel int
	log      *slog.Logger
	woken    chan struct{}
	batches  sync.WaitGroup
	sending  context.Context // of the deliveries; ends after the grace
	cut      context.CancelFunc

	claiming sync.Mutex // one claim at a time

	mutex     sync.Mutex // of what follows
	underWay  int
	preparing bool
	more      bool
	stopped   bool
}

// NewCourier makes a courier that Run drives.
func NewCourier(
	claim func(context.Context, int) ([]task.Claim, error),
	deliver func(context.Context, []task.Claim, func(int)) int, parallel int, log *slog.Logger,
) *Courier {
	sending, cut := context.WithCancel(context.Background())
	return &Courier{
		claim: claim, deliver: deliver, parallel: parallel, log: log, woken: make(chan struct{}, 1),
		sending: sending, cut: cut,
	}
}

// Wake asks for a round: after a commit that made a task due. Many wake-ups during one round make one more.
func (c *Courier) Wake() {
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends, and then waits for the deliveries in progress, for a bounded time.
func (c *Courier) Run(ctx context.Context) {
	defer c.finish()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.woken:
		}
		if _, err := c.StartDue(ctx); err != nil {
			c.log.WarnContext(ctx, "background work failed", "work", "courier", "error", err.Error())
		}
		if c.hasMore() {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// StartDue starts delivering due tasks, as many as there are free places. Returns how many were claimed, without waiting for
// the deliveries.
func (c *Courier) StartDue(ctx context.Context) (int, error) {
	c.claiming.Lock()
	defer c.claiming.Unlock()
	room := c.room()
	var claims []task.Claim
	if room > 0 {
		var err error
		if claims, err = c.claim(ctx, room); err != nil {
			return 0, err
		}
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.more = len(claims) >= room
	if len(claims) > 0 {
		c.underWay += len(claims)
		c.preparing = true
		c.batches.Go(func() { c.deliverBatch(claims) })
	}
	return len(claims), nil
}

func (c *Courier) deliverBatch(claims []task.Claim) {
	left, begun := len(claims), false
	defer func() {
		if fault := recover(); fault != nil { // the tasks are claimed again when their lease ends
			c.log.Error("deliveries failed", "count", left, "error", fmt.Sprint(fault), "stack", string(debug.Stack()))
		}
		c.free(left, !begun)
	}()
	lost := c.deliver(c.sending, claims, func(done int) {
		left -= done
		c.free(done, !begun)
		begun = true
	})
	if lost > 0 {
		c.log.Warn("deliveries are retried when their lease ends", "count", lost, "reason", "outcomes stay unknown")
	}
}

func (c *Courier) room() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.preparing || c.stopped {
		return 0
	}
	return c.parallel - c.underWay
}

func (c *Courier) hasMore() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.more
}

func (c *Courier) free(places int, prepared bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.underWay -= places
	if prepared {
		c.preparing = false
	}
	if c.more && (places > 0 || prepared) { // the last claim had no room for all: more may be due
		c.Wake()
	}
}

func (c *Courier) finish() {
	c.claiming.Lock() // a cron tick may be claiming
	c.mutex.Lock()
	c.stopped = true
	c.mutex.Unlock()
	c.claiming.Unlock()
	over := time.AfterFunc(grace, c.cut)
	c.batches.Wait()
	over.Stop()
	c.cut()
}

// Couriers have separate places: Fresh claims tasks without an attempt, Waiting any task that is due, the longest due first.
// New messages never wait behind retries, however slow WeChat is.
type Couriers struct {
	Fresh   *Courier
	Waiting *Courier
}

// StartDue starts both; returns the sum.
func (c Couriers) StartDue(ctx context.Context) (int, error) {
	fresh, err := c.Fresh.StartDue(ctx)
	if err != nil {
		return 0, err
	}
	waiting, err := c.Waiting.StartDue(ctx)
	return fresh + waiting, err
}
