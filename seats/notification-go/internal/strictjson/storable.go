package strictjson

import (
	"bytes"
	"strconv"
	"strings"
)

// UnstorableMessage says what is wrong with text that no component can store.
const UnstorableMessage = "must hold neither the NUL character nor a lone surrogate"

// Unstorable is where the first string of a valid JSON document is that PostgreSQL or UTF-8 cannot hold, as stays.0.title
// ("body": at the top); empty: there is none. A member's own name counts to what holds it.
func Unstorable(document []byte) string {
	if !bytes.Contains(document, []byte(`\u`)) {
		return ""
	}
	w := walker{text: document}
	w.value("")
	return w.found
}

// walker reads a document that encoding/json has found valid; it only looks for the strings and where they are.
type walker struct {
	text  []byte
	place int
	found string
}

func (w *walker) value(path string) {
	w.space()
	switch w.text[w.place] {
	case '{':
		w.members(path)
	case '[':
		w.elements(path)
	case '"':
		w.check(w.str(), path)
	default:
		for w.place < len(w.text) && !strings.ContainsRune(",]} \t\r\n", rune(w.text[w.place])) {
			w.place++
		}
	}
}

func (w *walker) members(path string) {
	w.place++
	for w.more('}') {
		name := w.str()
		w.check(name, path)
		w.space()
		w.place++ // the colon
		w.value(joined(path, string(name)))
	}
}

func (w *walker) elements(path string) {
	w.place++
	for index := 0; w.more(']'); index++ {
		w.value(joined(path, strconv.Itoa(index)))
	}
}

// more skips to the next member or element; false at the end, which it has passed.
func (w *walker) more(end byte) bool {
	w.space()
	if w.text[w.place] == ',' {
		w.place++
		w.space()
	}
	if w.text[w.place] != end {
		return true
	}
	w.place++
	return false
}

func (w *walker) space() {
	for strings.IndexByte(" \t\r\n", w.text[w.place]) >= 0 {
		w.place++
	}
}

// str is the string at the current place without its quotes, escapes as they are.
func (w *walker) str() []byte {
	w.place++
	begin := w.place
	for w.text[w.place] != '"' {
		if w.text[w.place] == '\\' {
			w.place++
		}
		w.place++
	}
	w.place++
	return w.text[begin : w.place-1]
}

func (w *walker) check(escaped []byte, path string) {
	if w.found != "" || !hasUnstorable(escaped, true) {
		return
	}
	if w.found = path; path == "" {
		w.found = "body"
	}
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// hasUnstorable tells whether there is a lone surrogate, or where nul says so the NUL character.
func hasUnstorable(escaped []byte, nul bool) bool {
	for place := 0; place+1 < len(escaped); place++ {
		if escaped[place] != '\\' {
			continue
		}
		place++
		if escaped[place] != 'u' {
			continue
		}
		unit := codeUnit(escaped[place+1:])
		switch {
		case unit == 0 && nul, unit >= 0xDC00 && unit <= 0xDFFF:
			return true
		case unit >= 0xD800 && unit <= 0xDBFF:
			rest := escaped[place+5:]
			if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
				return true
			}
			if low := codeUnit(rest[2:]); low < 0xDC00 || low > 0xDFFF {
				return true
			}
			place += 6
		}
		place += 4
	}
	return false
}

func codeUnit(hex []byte) uint64 {
	unit, err := strconv.ParseUint(string(hex[:4]), 16, 32)
	if err != nil {
		return 0
	}
	return unit
}
