package strictjson

import "fmt"

const (
	deepest    = 100  // levels that Shallow keeps; our own events and what stands around them have less than ten
	mostLevels = 201  // what Python's reader of dead letters takes, so that both know a letter by the same key
	mostDigits = 4300 // as mostLevels, of a number before its fraction
)

// Shallow has null for what is nested deeper than 100 levels, so that one event does not make those beside it unreadable.
func Shallow(document []byte) ([]byte, error) {
	var kept []byte
	depth, begin := 0, 0
	for place := 0; place < len(document); place++ {
		switch document[place] {
		case '"':
			place = closing(document, place)
		case '[', '{':
			if depth++; depth == deepest+1 {
				kept = append(append(kept, document[begin:place]...), "null"...)
			}
		case ']', '}':
			if depth == deepest+1 {
				begin = place + 1
			}
			depth--
		}
	}
	if depth != 0 {
		return nil, fmt.Errorf("brackets do not match")
	}
	return append(kept, document[begin:]...), nil
}

// WithinLimits has an error for a valid JSON document that Python's reader does not take: nested deeper than 201 levels, with
// a number of more than 4300 digits, or with a lone surrogate.
func WithinLimits(document []byte) error {
	depth, digits := 0, 0
	for place := 0; place < len(document); place++ {
		switch letter := document[place]; letter {
		case '"':
			begin := place + 1
			if place = closing(document, place); hasUnstorable(document[begin:place], false) {
				return fmt.Errorf("has a lone surrogate")
			}
		case '[', '{':
			if depth++; depth > mostLevels {
				return fmt.Errorf("is nested deeper than %d levels", mostLevels)
			}
		case ']', '}':
			depth--
		case '.', 'e', 'E': // of a fraction or exponent any length is taken
			digits = -len(document)
		case '+', '-':
		default:
			if letter < '0' || letter > '9' {
				digits = 0
			} else if digits++; digits > mostDigits {
				return fmt.Errorf("has a number of more than %d digits", mostDigits)
			}
		}
	}
	return nil
}

// closing is the place of the quote that ends the string which begins at place; the document's end where there is none.
func closing(document []byte, place int) int {
	for place++; place < len(document) && document[place] != '"'; place++ {
		if document[place] == '\\' {
			place++
		}
	}
	return min(place, len(document))
}
