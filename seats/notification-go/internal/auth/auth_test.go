package auth

import (
	"testing"

	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
)

func TestAKeyOfAnUnknownKindLeavesTheOthersUsable(t *testing.T) {
	const good = `{"kty": "EC", "crv": "P-256", "kid": "good", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
		"y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	tests := map[string]struct {
		document string
		want     int
	}{
		"one":                {`{"keys": [` + good + `]}`, 1},
		"of another type":    {`{"keys": [{"kty": "AKP", "alg": "ML-DSA-44", "kid": "new", "pub": "AA"}, ` + good + `]}`, 1},
		"of another curve":   {`{"keys": [` + good + `, {"kty": "EC", "crv": "secp256k1", "kid": "k", "x": "AA", "y": "AA"}]}`, 1},
		"of no type, no key": {`{"keys": [{}, null, 5, ` + good + `]}`, 1},
		"none":               {`{"keys": []}`, 0},
		"no list":            {`{"keys": {}}`, 0},
		"no member":          {`{}`, 0},
	}
	for name, test := range tests {
		object, err := strictjson.Parse([]byte(test.document))
		if err != nil {
			t.Fatal(err)
		}
		keys := keysOf(object)
		if len(keys.Keys) != test.want || len(keys.Key("good")) != test.want {
			t.Errorf("%s: %d keys", name, len(keys.Keys))
		}
	}
}
