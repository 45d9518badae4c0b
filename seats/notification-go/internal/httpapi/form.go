package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
)

const (
	biggest  = 1<<63 - 1
	required = "Field required"
)

var (
	whole      = regexp.MustCompile(`^-?\d+$`)
	anySn      = regexp.MustCompile(`^[A-Z]{3}[0-9]{22}$`)
	hash       = regexp.MustCompile(`^[0-9a-f]{64}$`)
	mediaTypes = []string{"application/json"}
)

// form reads a request's body member by member and collects what is wrong, so that all of it is told at once. Members that it
// is not asked for are ignored.
type form struct {
	object strictjson.Object
	path   string // of the object, where it is within another
	errors []problem.FieldError
}

// formOf reads the body as a JSON object that can be stored. The error names what is wrong.
func formOf(c *call) (*form, error) {
	media, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(mediaTypes, media) && !strings.HasSuffix(media, "+json") {
		return nil, invalid("body", "Input should be a valid dictionary or object to extract fields from")
	}
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil, invalid("body", required)
	}
	if !utf8.Valid(c.body) || !json.Valid(c.body) {
		return nil, invalid("body", "JSON decode error")
	}
	if member := strictjson.Unstorable(c.body); member != "" {
		refused := problem.New(problem.InvalidInput, "%s", strictjson.UnstorableMessage)
		refused.Field = member
		return nil, refused
	}
	f := &form{}
	if json.Unmarshal(c.body, &f.object) != nil || f.object == nil {
		f.object = nil
		f.wrong("", "Input should be a valid dictionary or object to extract fields from")
	}
	return f, nil
}

func invalid(field, message string) error {
	return (&form{errors: []problem.FieldError{{Field: field, Message: message}}}).err()
}

// err is InvalidInput with everything that was wrong, or nil.
func (f *form) err() error {
	if len(f.errors) == 0 {
		return nil
	}
	var told []string
	for _, each := range f.errors[:min(len(f.errors), 5)] {
		told = append(told, each.Field+": "+each.Message)
	}
	refused := problem.New(problem.InvalidInput, "%s", strings.Join(told, "; "))
	refused.Field, refused.Errors = f.errors[0].Field, f.errors
	return refused
}

func (f *form) wrong(name, message string) {
	if f.path != "" && name != "" {
		name = f.path + "." + name
	}
	if name == "" {
		name = "body"
	}
	f.errors = append(f.errors, problem.FieldError{Field: name, Message: message})
}

// raw is a member as it came; ok is false where it is missing, which is wrong unless it is optional.
func (f *form) raw(name string, optional bool) (json.RawMessage, bool) {
	raw, ok := f.object[name]
	if !ok && !optional && f.object != nil {
		f.wrong(name, required)
	}
	return raw, ok
}

// integer is a whole number; fallback where it is missing, nil: it must be there.
func (f *form) integer(name string, fallback *int64, least, most int64) int64 {
	raw, ok := f.raw(name, fallback != nil)
	if !ok {
		if fallback != nil {
			return *fallback
		}
		return 0
	}
	if !whole.Match(raw) {
		f.wrong(name, "Input should be a valid integer")
		return 0
	}
	number, err := strconv.ParseInt(string(raw), 10, 64)
	switch {
	case err != nil && raw[0] != '-' || number > most:
		f.wrong(name, fmt.Sprintf("Input should be less than or equal to %d", most))
	case err != nil || number < least:
		f.wrong(name, fmt.Sprintf("Input should be greater than or equal to %d", least))
	}
	return number
}

func (f *form) id(name string) int64 { return f.integer(name, nil, 1, biggest) }

func (f *form) lastID() int64 { return f.integer("lastId", new(int64), 0, biggest) }

func (f *form) pageSize() int {
	fallback := int64(20)
	return int(f.integer("pageSize", &fallback, 1, 100))
}

// optionalID is nil where it is missing or null.
func (f *form) optionalID(name string) *int64 {
	if !f.object.Has(name) {
		return nil
	}
	number := f.id(name)
	return &number
}

// text is a string; empty where it is missing or null and may be so.
func (f *form) text(name string, optional bool, least, most int) string {
	if optional && !f.object.Has(name) {
		return ""
	}
	raw, ok := f.raw(name, optional)
	if !ok {
		return ""
	}
	var value string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &value) != nil {
		f.wrong(name, "Input should be a valid string")
		return ""
	}
	switch length := utf8.RuneCountInString(value); {
	case length < least:
		f.wrong(name, fmt.Sprintf("String should have at least %d character", least))
	case length > most:
		f.wrong(name, fmt.Sprintf("String should have at most %d characters", most))
	}
	return value
}

// note is why an operator does something.
func (f *form) note() string {
	raw, ok := f.raw("note", false)
	if !ok {
		return ""
	}
	var value string
	if raw[0] != '"' || json.Unmarshal(raw, &value) != nil {
		f.wrong("note", "Input should be a valid string")
		return ""
	}
	value = strings.TrimSpace(value)
	switch length := utf8.RuneCountInString(value); {
	case length < 1:
		f.wrong("note", "String should have at least 1 character")
	case length > 500:
		f.wrong("note", "String should have at most 500 characters")
	}
	return value
}

// matching is a string of a form; empty where it is missing or null and may be so.
func (f *form) matching(name string, optional bool, pattern *regexp.Regexp) string {
	before := len(f.errors)
	value := f.text(name, optional, 0, 1<<20)
	if len(f.errors) == before && f.object.Has(name) && !pattern.MatchString(value) {
		f.wrong(name, fmt.Sprintf("String should match pattern '%s'", pattern))
	}
	return value
}

// oneOf is one of the allowed words; empty where it is missing or null and may be so.
func oneOf[T ~string](f *form, name string, optional bool, allowed []T) T {
	before := len(f.errors)
	value := T(f.text(name, optional, 0, 1<<20))
	if len(f.errors) == before && f.object.Has(name) && !slices.Contains(allowed, value) {
		words := make([]string, len(allowed))
		for place, each := range allowed {
			words[place] = "'" + string(each) + "'"
		}
		f.wrong(name, "Input should be "+strings.Join(words, ", "))
	}
	return value
}

// boolean is false where it is missing.
func (f *form) boolean(name string) bool {
	raw, ok := f.raw(name, true)
	if ok && string(raw) != "true" && string(raw) != "false" {
		f.wrong(name, "Input should be a valid boolean")
	}
	return string(raw) == "true"
}

// list has the elements of an array of so many.
func (f *form) list(name string, optional bool, least, most int) []json.RawMessage {
	raw, ok := f.raw(name, optional)
	if !ok {
		return nil
	}
	var values []json.RawMessage
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &values) != nil {
		f.wrong(name, "Input should be a valid list")
		return nil
	}
	switch {
	case len(values) < least:
		f.wrong(name, fmt.Sprintf("List should have at least %d item after validation, not %d", least, len(values)))
	case len(values) > most:
		f.wrong(name, fmt.Sprintf("List should have at most %d items after validation, not %d", most, len(values)))
	}
	return values
}

// within is the form of an element that has to be an object.
func (f *form) within(path string, raw json.RawMessage) *form {
	inner := &form{path: path}
	if json.Unmarshal(raw, &inner.object) != nil || inner.object == nil {
		inner.object = nil
		f.wrong(path, "Input should be a valid dictionary or object to extract fields from")
	}
	return inner
}
