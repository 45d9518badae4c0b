// Package message composes subscribe messages: for whom, whether there is one to send, and its fields as WeChat's field types
// accept them. Pure.
package message

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // Asia/Shanghai also where the system has no zone files
	"unicode"
)

const (
	thingLimit           = 20
	characterStringLimit = 32
	amountDigits         = 10
)

// Unrenderable is a value that does not fit its field type, and that truncation would falsify.
type Unrenderable struct{ Why string }

func (u *Unrenderable) Error() string { return u.Why }

// thing is one line of at most 20 characters; truncated text ends in "…". Otherwise is used when no visible character is
// left. A character outside the basic multilingual plane counts twice, so that the text fits in UTF-16 units, too. Combining
// characters stay with their letter.
func thing(text, otherwise string) string {
	line := []rune(strings.Join(strings.Fields(strings.Map(visible, text)), " "))
	if len(line) == 0 {
		return otherwise
	}
	width, end := 0, len(line)
	for place, char := range line {
		if char > 0xFFFF {
			width++
		}
		width++
		if width >= thingLimit && end == len(line) {
			end = place // one place is for the ellipsis
		}
	}
	if width <= thingLimit {
		return string(line)
	}
	for end > 0 && unicode.IsMark(line[end]) {
		end--
	}
	return strings.TrimRightFunc(string(line[:end]), unicode.IsSpace) + "…"
}

// visible drops what has no glyph; controls and separators of lines become spaces.
func visible(char rune) rune {
	switch {
	case unicode.In(char, unicode.Cc, unicode.Zl, unicode.Zp):
		return ' '
	case unicode.In(char, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Zs):
		return char
	}
	return -1
}

// characterString holds 1 to 32 printable ASCII characters: a shortened number or code is wrong.
func characterString(text string) (string, error) {
	fits := len(text) >= 1 && len([]rune(text)) <= characterStringLimit
	for _, char := range text {
		fits = fits && char >= '!' && char <= '~'
	}
	if !fits {
		return "", &Unrenderable{fmt.Sprintf("%d characters that a character_string cannot carry", len([]rune(text)))}
	}
	return text, nil
}

// amount writes 19900 fen as ¥199.00.
func amount(fen int64) (string, error) {
	text := fmt.Sprintf("%d.%02d", fen/100, fen%100)
	if fen < 0 || len(text)-1 > amountDigits {
		return "", &Unrenderable{"an amount beyond ten digits"}
	}
	return "¥" + text, nil
}

func day(moment time.Time) string {
	return fmt.Sprintf("%04d年%d月%d日", moment.Year(), moment.Month(), moment.Day())
}

// minute is date and time of day in Shanghai, where the nights are slept.
func (t Texts) minute(moment time.Time) string {
	local := moment.In(t.Zone)
	return day(local) + local.Format(" 15:04")
}
