package task

import (
	"math/rand/v2"
	"time"
)

// Policy says when a task is tried again: after pauses that double, until MaxAttempts or GiveUpAfter.
type Policy struct {
	MaxAttempts int32
	GiveUpAfter time.Duration
	Backoff
}

func (p Policy) exhausted(tries int32, now, giveUpAt time.Time) bool {
	return tries >= p.MaxAttempts || !now.Before(giveUpAt)
}

// Backoff is the pause between two tries: it doubles from First to Longest. Jitter moves it by that share either way, so that
// what failed together is not retried together. Chance in [0, 1) replaces the random number; nil: random.
type Backoff struct {
	First   time.Duration
	Longest time.Duration
	Jitter  float64
	Chance  func() float64
}

// Pause is the pause after failure number tries (from 1).
func (b Backoff) Pause(tries int32) time.Duration {
	pause := float64(b.First) * float64(uint64(1)<<min(max(tries, 1)-1, 30))
	pause = min(pause, float64(b.Longest))
	chance := b.Chance
	if chance == nil {
		chance = rand.Float64
	}
	if b.Jitter > 0 {
		pause *= 1 - b.Jitter + 2*b.Jitter*chance()
	}
	return time.Duration(pause)
}
