package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Rate is so many requests in a window that begins with the first of them; zero Requests: no limit.
type Rate struct {
	Text     string
	Requests int
	Window   time.Duration
}

var (
	isoDuration = regexp.MustCompile(`^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$`)
	rateText    = regexp.MustCompile(`^(\d+)\s*(?:/|per)\s*(\d+)?\s*(second|minute|hour|day)s?$`)
	rateUnits   = map[string]time.Duration{
		"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour,
	}
)

// reader collects what is wrong with the environment, so that all of it is told at once.
type reader struct {
	lookup   func(string) (string, bool)
	problems []error
}

func (r *reader) err() error { return errors.Join(r.problems...) }

func (r *reader) wrong(name, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("setting %s: %s", name, fmt.Sprintf(format, args...)))
}

// optional makes the default of a setting that may be missing; nil marks one that may not.
func optional(value string) *string { return &value }

func (r *reader) value(name string, fallback *string) string {
	if given, ok := r.lookup(name); ok {
		// A value that comes from a file or a Secret has its line end with it.
		return strings.TrimSpace(given)
	}
	if fallback == nil {
		r.wrong(name, "must be set")
		return ""
	}
	return *fallback
}

func (r *reader) text(name, fallback string) string { return r.value(name, &fallback) }

// short is a text of at most so many characters; empty where it is missing.
func (r *reader) short(name string, most int) string {
	value := r.text(name, "")
	if utf8.RuneCountInString(value) > most {
		r.wrong(name, "must have at most %d characters", most)
	}
	return value
}

func (r *reader) matching(name string, fallback *string, pattern *regexp.Regexp) string {
	before := len(r.problems)
	value := r.value(name, fallback)
	if len(r.problems) == before && !pattern.MatchString(value) {
		r.wrong(name, "must match %s", pattern)
	}
	return value
}

func (r *reader) oneOf(name, fallback string, allowed ...string) string {
	value := r.value(name, &fallback)
	if !slices.ContainsFunc(allowed, func(each string) bool { return strings.EqualFold(each, value) }) {
		r.wrong(name, "must be one of %s", strings.Join(allowed, ", "))
	}
	return value
}

func (r *reader) url(name string, fallback *string, schemes ...string) string {
	before := len(r.problems)
	value := r.value(name, fallback)
	if len(r.problems) > before {
		return value
	}
	// Its own error would quote the URL, which may hold a password.
	if parsed, err := url.Parse(value); err != nil || parsed.Host == "" || !slices.Contains(schemes, parsed.Scheme) {
		r.wrong(name, "must be a URL that begins with %s://", strings.Join(schemes, ":// or "))
	}
	return strings.TrimRight(value, "/")
}

func (r *reader) integer(name string, fallback, least, most int) int {
	value, ok := r.lookup(name)
	if !ok {
		return fallback
	}
	number, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || number < least || number > most {
		r.wrong(name, "must be a whole number from %d to %d", least, most)
	}
	return number
}

func (r *reader) seconds(name string, fallback, least, most float64) time.Duration {
	number := fallback
	if value, ok := r.lookup(name); ok {
		var err error
		if number, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil || number < least || number > most {
			r.wrong(name, "must be a number of seconds from %g to %g", least, most)
		}
	}
	return time.Duration(number * float64(time.Second))
}

// duration reads ISO 8601 (PT24H, P1DT12H) or a number of seconds.
func (r *reader) duration(name string, fallback time.Duration) time.Duration {
	value, ok := r.lookup(name)
	if !ok {
		return fallback
	}
	value = strings.TrimSpace(value)
	var total time.Duration
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		total = time.Duration(seconds * float64(time.Second))
	} else if found := isoDuration.FindStringSubmatch(value); found != nil {
		for place, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
			if found[place+1] != "" {
				count, _ := strconv.ParseFloat(found[place+1], 64)
				total += time.Duration(count * float64(unit))
			}
		}
	}
	if total <= 0 {
		r.wrong(name, "must be a time above zero, as PT24H or in seconds")
	}
	return total
}

// networks reads prefixes that are parted by commas.
func (r *reader) networks(name, fallback string) []netip.Prefix {
	var found []netip.Prefix
	for _, each := range strings.Split(r.text(name, fallback), ",") {
		if each = strings.TrimSpace(each); each == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(each)
		if address, alone := netip.ParseAddr(each); alone == nil {
			prefix, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			r.wrong(name, "must be networks such as %s", privateNetworks)
		}
		found = append(found, prefix)
	}
	return found
}

// rate reads what the library `limits` reads of a rate: 3000/minute, 10 per 5 seconds; empty: no limit.
func (r *reader) rate(name, fallback string) Rate {
	value := r.value(name, &fallback)
	if value == "" {
		return Rate{}
	}
	found := rateText.FindStringSubmatch(strings.ToLower(value))
	if found == nil {
		r.wrong(name, "must be a rate such as 3000/minute")
		return Rate{}
	}
	requests, _ := strconv.Atoi(found[1])
	times := 1
	if found[2] != "" {
		times, _ = strconv.Atoi(found[2])
	}
	return Rate{Text: value, Requests: requests, Window: time.Duration(times) * rateUnits[found[3]]}
}
