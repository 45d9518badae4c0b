// Package text holds what users read, in Chinese and English, by slug. The two files are copies of the Python service's
// catalogues; a test of the repository compares them.
package text

import (
	"embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

//go:embed servicekit.toml notification.toml
var files embed.FS

// Catalogue finds texts by slug.
type Catalogue struct{ entries map[string]map[string]string }

// Load reads the embedded catalogues.
func Load() (*Catalogue, error) {
	entries := map[string]map[string]string{}
	for _, name := range []string{"servicekit.toml", "notification.toml"} {
		if _, err := toml.DecodeFS(files, name, &entries); err != nil {
			return nil, fmt.Errorf("catalogue %s: %w", name, err)
		}
	}
	return &Catalogue{entries}, nil
}

// Text is the text of slug in language ("zh" or "en"); that of a server error for a slug that is not known.
func (c *Catalogue) Text(slug, language string) string {
	entry, ok := c.entries[slug]
	if !ok {
		entry = c.entries["server-error"]
	}
	return entry[language]
}

// PreferredLanguage is "zh" unless the header asks for English before Chinese (RFC 9110 §12.5.4).
func PreferredLanguage(acceptLanguage string) string {
	weights := map[string]float64{}
	for place, part := range strings.Split(acceptLanguage, ",") {
		if place == 16 {
			break
		}
		tag, parameters, _ := strings.Cut(strings.TrimSpace(part), ";")
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		quality := 1.0
		if _, q, found := strings.Cut(parameters, "q="); found {
			var err error
			if quality, err = strconv.ParseFloat(strings.TrimSpace(q), 64); err != nil {
				quality = 0
			}
		}
		if primary == "zh" || primary == "en" {
			weights[primary] = max(weights[primary], quality)
		}
	}
	if weights["en"] > weights["zh"] {
		return "en"
	}
	return "zh"
}
