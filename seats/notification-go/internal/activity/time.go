package activity

import "time"

// Time is written in UTC with microseconds where there are some, as the Python services write it.
type Time struct{ time.Time }

// MarshalJSON writes 2026-11-23T01:30:05.120000Z, or without a fraction where there is none.
func (t Time) MarshalJSON() ([]byte, error) {
	utc := t.UTC().Truncate(time.Microsecond)
	if utc.Nanosecond() == 0 {
		return []byte(utc.Format(`"2006-01-02T15:04:05Z"`)), nil
	}
	return []byte(utc.Format(`"2006-01-02T15:04:05.000000Z"`)), nil
}

// TimeOrNil wraps a moment that may be missing.
func TimeOrNil(moment *time.Time) *Time {
	if moment == nil {
		return nil
	}
	return &Time{*moment}
}
