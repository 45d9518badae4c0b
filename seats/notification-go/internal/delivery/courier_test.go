package delivery

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/task"
)

// queue hands out so many claims.
type queue struct {
	mutex sync.Mutex
	left  int
	asked []int // limits
}

func (q *queue) claim(_ context.Context, limit int) ([]task.Claim, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.asked = append(q.asked, limit)
	claims := make([]task.Claim, min(limit, q.left))
	q.left -= len(claims)
	return claims, nil
}

func (q *queue) waiting() int {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return q.left
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within five seconds: %s", what)
		}
	}
}

func TestACourierHasNoMoreUnderWayThanItsPlaces(t *testing.T) {
	tasks := &queue{left: 10}
	var mutex sync.Mutex
	underWay, most := 0, 0
	release := make(chan struct{})
	courier := NewCourier(tasks.claim, func(_ context.Context, claims []task.Claim, done func(int)) int {
		mutex.Lock()
		underWay += len(claims)
		most = max(most, underWay)
		mutex.Unlock()
		done(0)
		for range claims {
			<-release
			mutex.Lock()
			underWay--
			mutex.Unlock()
			done(1)
		}
		return 0
	}, 4, quiet())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		courier.Run(ctx)
		close(ended)
	}()
	courier.Wake()
	for range 10 {
		release <- struct{}{}
	}
	within(t, "all are claimed", func() bool { return tasks.waiting() == 0 })
	stop()
	<-ended
	if most != 4 {
		t.Errorf("%d were under way, of 4 places", most)
	}
}

func TestWhatIsUnderWayEndsBeforeTheCourierDoes(t *testing.T) {
	delivered, begun, finish := false, make(chan struct{}), make(chan struct{})
	courier := NewCourier((&queue{left: 1}).claim, func(ctx context.Context, _ []task.Claim, done func(int)) int {
		done(0)
		close(begun)
		<-finish
		delivered = ctx.Err() == nil
		done(1)
		return 0
	}, 1, quiet())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		courier.Run(ctx)
		close(ended)
	}()
	courier.Wake()
	<-begun
	stop()
	close(finish)
	<-ended
	if !delivered {
		t.Error("the delivery was cut")
	}
	if claimed, err := courier.StartDue(context.Background()); claimed != 0 || err != nil {
		t.Errorf("a courier that has ended claimed %d, %v", claimed, err)
	}
}

func TestAFaultFreesItsPlaces(t *testing.T) {
	tasks := &queue{left: 2}
	courier := NewCourier(tasks.claim, func(context.Context, []task.Claim, func(int)) int { panic("bug") }, 1, quiet())
	for range 2 {
		within(t, "a place is free", func() bool { return courier.room() == 1 })
		if claimed, err := courier.StartDue(context.Background()); claimed != 1 || err != nil {
			t.Fatalf("claimed %d, %v", claimed, err)
		}
	}
	within(t, "all places are free", func() bool { return courier.room() == 1 })
}
