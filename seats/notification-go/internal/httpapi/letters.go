package httpapi

import (
	"context"
	"strconv"

	"github.com/minsu/minsu/seats/notification-go/internal/activity"
	"github.com/minsu/minsu/seats/notification-go/internal/audit"
	"github.com/minsu/minsu/seats/notification-go/internal/deadletter"
)

type shownLetter struct {
	ID            int64            `json:"id"`
	Topic         string           `json:"topic"`
	Source        string           `json:"source"`
	EventID       string           `json:"eventId"`
	State         deadletter.State `json:"state"`
	Reason        *string          `json:"reason"`
	Note          *string          `json:"note"`
	Attempts      int32            `json:"attempts"`
	ReceivedAt    activity.Time    `json:"receivedAt"`
	NextAttemptAt *activity.Time   `json:"nextAttemptAt"`
	EndedAt       *activity.Time   `json:"endedAt"`
}

func showLetter(l deadletter.Letter) shownLetter {
	shown := shownLetter{
		l.ID, l.Topic, l.Source, l.EventID, l.State, l.Reason, l.Note, l.Tries,
		activity.Time{Time: l.ReceivedAt}, nil, activity.TimeOrNil(l.EndedAt),
	}
	if l.State == deadletter.Waiting {
		shown.NextAttemptAt = &activity.Time{Time: l.DueAt}
		if l.LeasedUntil != nil && l.LeasedUntil.After(l.DueAt) {
			shown.NextAttemptAt = &activity.Time{Time: *l.LeasedUntil}
		}
	}
	return shown
}

type shownAct struct {
	ID         int64         `json:"id"`
	OperatorID int64         `json:"operatorId"`
	Act        string        `json:"act"`
	Subject    string        `json:"subject"`
	Note       *string       `json:"note"`
	ActedAt    activity.Time `json:"actedAt"`
}

func showActs(acts []audit.Act) []shownAct {
	shown := make([]shownAct, len(acts))
	for place, each := range acts {
		shown[place] = shownAct{each.ID, each.OperatorID, each.Act, each.Subject, each.Note, activity.Time{Time: each.ActedAt}}
	}
	return shown
}

type replayed struct {
	Stuck   int          `json:"stuck"`
	Applied int          `json:"applied"`
	Poison  int          `json:"poison"`
	Waiting int          `json:"waiting"`
	Letter  *shownLetter `json:"letter"`
}

func (o *operators) addLetters(letters *deadletter.Letters) {
	o.handle("deadLetterList", func(ctx context.Context, f *form, _ int64) (any, error) {
		lastID, size := f.lastID(), f.pageSize()
		state, number := oneOf(f, "state", true, deadletter.States), f.matching("number", true, anySn)
		if err := f.err(); err != nil {
			return nil, err
		}
		found, err := letters.Page(ctx, lastID, size, state, number)
		shown := make([]shownLetter, len(found))
		for place, each := range found {
			shown[place] = showLetter(each)
		}
		return map[string]any{"list": shown}, err
	})
	o.handle("deadLetterDetail", func(ctx context.Context, f *form, _ int64) (any, error) {
		id := f.id("id")
		if err := f.err(); err != nil {
			return nil, err
		}
		found, acts, err := letters.Letter(ctx, id)
		return map[string]any{"letter": showLetter(found), "body": found.Body, "acts": showActs(acts)}, err
	})
	o.handle("deadLetterReplay", func(ctx context.Context, f *form, operatorID int64) (any, error) {
		id, all, note := f.optionalID("id"), f.boolean("all"), f.note()
		if len(f.errors) == 0 && (id == nil) != all {
			f.wrong("", "Value error, give either id or all: true")
		}
		if err := f.err(); err != nil {
			return nil, err
		}
		if all {
			stuck, counts, err := letters.ReplayAll(ctx, operatorID, note)
			return replayed{
				stuck, counts[deadletter.Applied], counts[deadletter.Poison], counts[deadletter.Waiting], nil,
			}, err
		}
		found, err := letters.Replay(ctx, operatorID, *id, note)
		shown, one := showLetter(found), map[deadletter.State]int{found.State: 1}
		return replayed{1, one[deadletter.Applied], one[deadletter.Poison], one[deadletter.Waiting], &shown}, err
	})
	o.handle("deadLetterDiscard", func(ctx context.Context, f *form, operatorID int64) (any, error) {
		id, note := f.id("id"), f.note()
		if err := f.err(); err != nil {
			return nil, err
		}
		found, err := letters.Discard(ctx, operatorID, id, note)
		return showLetter(found), err
	})
	o.handle("receivedEvents", func(ctx context.Context, f *form, _ int64) (any, error) {
		var events []deadletter.EventKey
		for place, raw := range f.list("events", false, 1, 100) {
			inner := f.within("events."+strconv.Itoa(place), raw)
			key := deadletter.EventKey{
				Source: inner.text("source", false, 1, 256), ID: inner.text("eventId", false, 1, 256),
			}
			f.errors = append(f.errors, inner.errors...)
			events = append(events, key)
		}
		if err := f.err(); err != nil {
			return nil, err
		}
		return o.received(ctx, letters, events)
	})
}

type takenEvent struct {
	Source     string        `json:"source"`
	EventID    string        `json:"eventId"`
	ReceivedAt activity.Time `json:"receivedAt"`
}

type letterOfEvent struct {
	ID         int64            `json:"id"`
	Source     string           `json:"source"`
	EventID    string           `json:"eventId"`
	Topic      string           `json:"topic"`
	State      deadletter.State `json:"state"`
	Reason     *string          `json:"reason"`
	ReceivedAt activity.Time    `json:"receivedAt"`
}

func (o *operators) received(
	ctx context.Context, letters *deadletter.Letters, events []deadletter.EventKey,
) (any, error) {
	effects, kept, err := letters.Received(ctx, events)
	taken, shown := make([]takenEvent, len(effects)), make([]letterOfEvent, len(kept))
	for place, each := range effects {
		taken[place] = takenEvent{each.Source, each.EventID, activity.Time{Time: each.ReceivedAt}}
	}
	for place, each := range kept {
		shown[place] = letterOfEvent{
			each.ID, each.Source, each.EventID, each.Topic, each.State, each.Reason, activity.Time{Time: each.ReceivedAt},
		}
	}
	return map[string]any{"taken": taken, "letters": shown}, err
}

type verified struct {
	Head struct {
		Seq  int64  `json:"seq"`
		Hash string `json:"hash"`
	} `json:"head"`
	VerifiedSeq int64       `json:"verifiedSeq"`
	Complete    bool        `json:"complete"`
	BrokenSeq   *int64      `json:"brokenSeq"`
	Flaw        *audit.Flaw `json:"flaw"`
}

func (o *operators) addAudit(log *audit.Audit) {
	o.handle("actList", func(ctx context.Context, f *form, _ int64) (any, error) {
		lastID, size := f.lastID(), f.pageSize()
		if err := f.err(); err != nil {
			return nil, err
		}
		acts, err := audit.Newest(ctx, log.DB, lastID, size)
		return map[string]any{"list": showActs(acts)}, err
	})
	o.handle("auditVerify", func(ctx context.Context, f *form, _ int64) (any, error) {
		after := f.integer("afterSeq", new(int64), 0, biggest)
		seq, text := f.optionalID("exportedSeq"), f.matching("exportedHash", true, hash)
		if len(f.errors) == 0 && (seq == nil) != (text == "") {
			f.wrong("", "Value error, give both exportedSeq and exportedHash, or none")
		}
		if err := f.err(); err != nil {
			return nil, err
		}
		exported, err := audit.Exported(seq, text)
		if err != nil {
			return nil, err
		}
		found, err := log.Verify(ctx, after, exported)
		if err != nil {
			return nil, err
		}
		shown := verified{VerifiedSeq: found.Verified.Seq, Complete: found.Complete, BrokenSeq: found.Broken}
		shown.Head.Seq, shown.Head.Hash = found.Head.Seq, found.Head.Hex()
		if found.Flaw != "" {
			shown.Flaw = &found.Flaw
		}
		return shown, nil
	})
}
