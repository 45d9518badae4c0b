// Package strictjson reads JSON members by their exact names. encoding/json alone ignores case, keeps quiet about members
// that are missing, and replaces what cannot be stored.
package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Object is a JSON object whose members are read one by one; unknown ones are ignored.
type Object map[string]json.RawMessage

// Parse reads a document that must be one JSON object in UTF-8.
func Parse(document []byte) (Object, error) {
	if !utf8.Valid(document) {
		return nil, fmt.Errorf("not UTF-8")
	}
	var object Object
	if err := json.Unmarshal(document, &object); err != nil {
		return nil, err
	}
	if object == nil {
		return nil, fmt.Errorf("null is no object")
	}
	return object, nil
}

// Has tells whether the member is there and not null.
func (o Object) Has(name string) bool {
	raw, ok := o[name]
	return ok && !bytes.Equal(raw, []byte("null"))
}

// Read decodes a member that must be there into target.
func Read[T any](o Object, name string) (T, error) {
	var value T
	if !o.Has(name) {
		return value, fmt.Errorf("%s: is missing", name)
	}
	return value, decode(o, name, &value)
}

// Optional decodes a member that may be missing or null; then it is nil.
func Optional[T any](o Object, name string) (*T, error) {
	if !o.Has(name) {
		return nil, nil
	}
	var value T
	if err := decode(o, name, &value); err != nil {
		return nil, err
	}
	return &value, nil
}

func decode(o Object, name string, target any) error {
	if err := json.Unmarshal(o[name], target); err != nil {
		return fmt.Errorf("%s: has the wrong type", name) // the error of json would quote the value
	}
	return nil
}

// Integer reads a whole number; JSON has one number type, so 1.0 is the integer 1.
func Integer(o Object, name string) (int64, error) {
	number, err := Read[json.Number](o, name)
	if err != nil {
		return 0, err
	}
	if len(o[name]) > 0 && o[name][0] == '"' { // json.Number takes a quoted number as well
		return 0, fmt.Errorf("%s: has the wrong type", name)
	}
	if whole, err := number.Int64(); err == nil {
		return whole, nil
	}
	float, err := number.Float64()
	if err != nil || float != float64(int64(float)) {
		return 0, fmt.Errorf("%s: is not a whole number", name)
	}
	return int64(float), nil
}
