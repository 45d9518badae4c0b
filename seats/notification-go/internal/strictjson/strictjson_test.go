package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestUnstorableNamesTheMember(t *testing.T) {
	tests := map[string]string{
		`{"a": "text", "b": [1, 2.5, true, null]}`: "",
		`{"a": "x\u0000y"}`:                        "a",
		`{"a": {"b": ["fine", "\ud800"]}}`:         "a.b.1",
		`{"a": "\ud83d\ude00", "b": "\udc00"}`:     "b",
		`{"a": "\ud83d\u0041"}`:                    "a",
		`{"a": "\\u0000 is written out"}`:          "",
		`"\u0000"`:                                 "body",
		`{"\u0000": 1}`:                            "body",
		`{"a": "\"\u4e2d", "b": {}, "c": []}`:      "",
	}
	for document, want := range tests {
		if got := Unstorable([]byte(document)); got != want {
			t.Errorf("Unstorable(%s) = %q, want %q", document, got, want)
		}
	}
}

func TestIntegerTakesWholeNumbersAlone(t *testing.T) {
	tests := []struct {
		member string
		want   int64
		ok     bool
	}{
		{`1`, 1, true}, {`1.0`, 1, true}, {`-1`, -1, true}, {`1e2`, 100, true},
		{`1.5`, 0, false}, {`"1"`, 0, false}, {`true`, 0, false}, {`null`, 0, false}, {`1e300`, 0, false},
	}
	for _, test := range tests {
		object, err := Parse([]byte(`{"n": ` + test.member + `}`))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Integer(object, "n")
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("Integer(%s) = %d, %v", test.member, got, err)
		}
	}
}

func TestNamesAreExact(t *testing.T) {
	object, err := Parse([]byte(`{"Id": "x", "id": null}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read[string](object, "id"); err == nil {
		t.Error("a member of another case was read")
	}
	if value, err := Optional[string](object, "id"); value != nil || err != nil {
		t.Errorf("null is %v, %v", value, err)
	}
}

func TestOnlyObjectsAreParsed(t *testing.T) {
	for _, document := range []string{"", "null", "[]", `"x"`, "{", "{\"a\": \"\xff\"}"} {
		if object, err := Parse([]byte(document)); err == nil {
			t.Errorf("Parse(%q) = %v", document, object)
		}
	}
}

func lists(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func TestShallowCutsWhatIsDeep(t *testing.T) {
	hundred := func(inner string) string { return strings.Repeat("[", 100) + inner + strings.Repeat("]", 100) }
	tests := map[string]string{
		`{"a": [1, "]]", "\\"], "b": {}}`:      `{"a": [1, "]]", "\\"], "b": {}}`,
		hundred(""):                            hundred(""),
		hundred(`{"a": "\"}"}, 1, [[2], "["]`): hundred("null, 1, null"),
		`{"a": ` + lists(20_000) + `, "b": 1}`: `{"a": ` + strings.Repeat("[", 99) + "null" + strings.Repeat("]", 99) + `, "b": 1}`,
	}
	for document, want := range tests {
		if got, err := Shallow([]byte(document)); string(got) != want || err != nil || !json.Valid(got) {
			t.Errorf("Shallow(%.40s) = %.200s, %v", document, got, err)
		}
	}
	for _, document := range []string{strings.Repeat("[", 100_000), `{"a": "`, "]"} {
		if got, err := Shallow([]byte(document)); err == nil {
			t.Errorf("Shallow(%.40s) = %.40s", document, got)
		}
	}
}

func TestLimitsAreThoseOfPython(t *testing.T) {
	digits := strings.Repeat("7", 4300)
	tests := map[string]bool{
		lists(201): true, lists(202): false,
		"[-" + digits + ", " + digits + "]": true, digits + "7": false, "-" + digits + "7": false, digits + "7.5": false,
		"[1." + digits + digits + "]": true, "1e" + digits + "7": true, "1E+" + digits + "7": true,
		`"\ud800"`: false, `{"\udc00": 1}`: false, `"\u0000"`: true, `"\ud83d\ude00"`: true, `["` + digits + digits + `"]`: true,
	}
	for document, want := range tests {
		if err := WithinLimits([]byte(document)); (err == nil) != want {
			t.Errorf("WithinLimits(%.40s) = %v", document, err)
		}
	}
}
