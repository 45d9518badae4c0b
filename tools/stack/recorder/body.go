package main

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A body is a JSON document without secrets, and its shape: the names and types of its members.
type body struct {
	value any
	shape string
}

// MarshalJSON wraps the document, so that the document `null` differs from no document.
func (b *body) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"value": b.value})
}

// parseBody returns nil for what is no JSON document.
func parseBody(content []byte) *body {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil
	}
	value = withoutSecrets("", value)
	return &body{value: value, shape: shapeOf(value)}
}

var secretWords = []string{"token", "password", "secret", "openid", "session_key", "otpauth", "authkey", "tradecode"}

// withoutSecrets replaces text below members that are named like a secret by as many x.
func withoutSecrets(member string, value any) any {
	switch each := value.(type) {
	case map[string]any:
		for name, inner := range each {
			each[name] = withoutSecrets(name, inner)
		}
	case []any:
		for place, inner := range each {
			each[place] = withoutSecrets(member, inner)
		}
	case string:
		lower := strings.ToLower(member)
		if slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(lower, word) }) {
			return strings.Repeat("x", len([]rune(each)))
		}
	}
	return value
}

// shapeOf is equal for documents that have the same members of the same types.
func shapeOf(value any) string {
	switch each := value.(type) {
	case map[string]any:
		members := make([]string, 0, len(each))
		for name, inner := range each {
			members = append(members, withoutNumbers(name)+":"+shapeOf(inner))
		}
		return "{" + strings.Join(distinct(members), ",") + "}"
	case []any:
		shapes := make([]string, 0, len(each))
		for _, inner := range each {
			shapes = append(shapes, shapeOf(inner))
		}
		return "[" + strings.Join(distinct(shapes), "|") + "]"
	case string:
		return "string"
	case json.Number:
		if _, err := strconv.ParseInt(each.String(), 10, 64); err == nil {
			return "integer"
		}
		return "number"
	case bool:
		return "boolean"
	}
	return "null"
}

func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// withoutNumbers makes `/orders/1234` and `/orders/5678` one: runs of four digits or more become #.
func withoutNumbers(text string) string {
	var made strings.Builder
	digits := ""
	flush := func() {
		if len(digits) >= 4 {
			digits = "#"
		}
		made.WriteString(digits)
		digits = ""
	}
	for _, letter := range text {
		if unicode.IsDigit(letter) {
			digits += string(letter)
			continue
		}
		flush()
		made.WriteRune(letter)
	}
	flush()
	return made.String()
}
