package message

import (
	"strings"
	"testing"
	"time"
)

func TestThing(t *testing.T) {
	tests := []struct{ text, want string }{
		{"西湖边的院子", "西湖边的院子"},
		{"西湖边的院子，推窗见山，步行五分钟到断桥残雪", "西湖边的院子，推窗见山，步行五分钟到断…"},
		{"two\nlines \t and\u2028more", "two lines and more"},
		{"\u200b\x00 \u202e", "untitled"},
		{"", "untitled"},
		{strings.Repeat("a", 20), strings.Repeat("a", 20)},
		{strings.Repeat("a", 21), strings.Repeat("a", 19) + "…"},
		{strings.Repeat("😀", 10), strings.Repeat("😀", 10)},
		{strings.Repeat("😀", 11), strings.Repeat("😀", 9) + "…"},
		{strings.Repeat("a", 18) + "e\u0301e\u0301", strings.Repeat("a", 18) + "…"},
		{strings.Repeat("a", 18) + " bc", strings.Repeat("a", 18) + "…"},
	}
	for _, test := range tests {
		if got := thing(test.text, "untitled"); got != test.want {
			t.Errorf("thing(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestCharacterString(t *testing.T) {
	for text, fits := range map[string]bool{
		"K7MP3WXR": true, strings.Repeat("x", 32): true, strings.Repeat("x", 33): false, "": false, "a b": false, "码": false,
	} {
		if _, err := characterString(text); (err == nil) != fits {
			t.Errorf("characterString(%q): %v", text, err)
		}
	}
}

func TestAmount(t *testing.T) {
	for fen, want := range map[int64]string{
		19900: "¥199.00", 5: "¥0.05", 0: "¥0.00", 999999999: "¥9999999.99", 99999999999: "", -1: "",
	} {
		if got, err := amount(fen); got != want || (err == nil) != (want != "") {
			t.Errorf("amount(%d) = %q, %v, want %q", fen, got, err, want)
		}
	}
}

func TestTimesAreThoseOfShanghai(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	got := Texts{Zone: zone}.minute(time.Date(2026, 11, 23, 16, 5, 31, 0, time.UTC))
	if want := "2026年11月24日 00:05"; got != want {
		t.Errorf("minute = %q, want %q", got, want)
	}
}
