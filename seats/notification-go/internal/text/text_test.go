package text

import "testing"

func TestPreferredLanguage(t *testing.T) {
	for header, want := range map[string]string{
		"": "zh", "en": "en", "en-GB,zh;q=0.9": "en", "zh-CN,en;q=0.9": "zh", "en;q=0.5, zh;q=0.5": "zh", "*": "zh",
		"fr, en;q=0.1": "en", "en;q=oops": "zh",
	} {
		if got := PreferredLanguage(header); got != want {
			t.Errorf("PreferredLanguage(%q) = %s, want %s", header, got, want)
		}
	}
}

func TestEveryTextIsThereInBothLanguages(t *testing.T) {
	catalogue, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for slug, entry := range catalogue.entries {
		if entry["zh"] == "" || entry["en"] == "" {
			t.Errorf("%s lacks a language", slug)
		}
	}
	if got := catalogue.Text("of-another-service", "en"); got != catalogue.Text("server-error", "en") {
		t.Errorf("an unknown slug is %q", got)
	}
}
