package config

import (
	"strings"
	"testing"
	"time"
)

func lookup(settings map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := settings[name]
		return value, ok
	}
}

func given(more ...string) map[string]string {
	settings := map[string]string{
		"APP_API_TOKEN": "0123456789abcdef", "NOTIFICATION_DATABASE_URL": "postgresql://a:b@localhost/c",
		"NOTIFICATION_WXMA_APPID": "wx0", "NOTIFICATION_TEMPLATE_PAID": "a", "NOTIFICATION_TEMPLATE_ARRIVAL": "b",
		"NOTIFICATION_TEMPLATE_REFUNDED": "c", "NOTIFICATION_TEMPLATE_REFUND_ASKED": "d",
	}
	for place := 0; place < len(more); place += 2 {
		settings[more[place]] = more[place+1]
	}
	return settings
}

func TestDefaults(t *testing.T) {
	c, err := Load(lookup(given()))
	if err != nil {
		t.Fatal(err)
	}
	if c.DaprURL != "http://127.0.0.1:3500" || c.Messages.Parallel != 128 || c.Messages.GiveUpAfter != 24*time.Hour ||
		c.Limits.RequestsPerUser != (Rate{"3000/minute", 3000, time.Minute}) {
		t.Errorf("%+v", c)
	}
}

func TestValuesAreRead(t *testing.T) {
	c, err := Load(lookup(given("NOTIFICATION_GIVE_UP_AFTER", "P1DT2H30M", "NOTIFICATION_FIRST_PAUSE_SECONDS", "0.5\n",
		"NOTIFICATION_REQUESTS_PER_USER", "", "NOTIFICATION_DATABASE_URL", "postgresql+asyncpg://a:b@localhost/c")))
	if err != nil {
		t.Fatal(err)
	}
	if c.Messages.GiveUpAfter != 26*time.Hour+30*time.Minute || c.Messages.FirstPause != 500*time.Millisecond {
		t.Errorf("%+v", c.Messages)
	}
	if c.Limits.RequestsPerUser.Requests != 0 || c.Database.PostgresURL() != "postgresql://a:b@localhost/c" {
		t.Errorf("%+v %s", c.Limits, c.Database.PostgresURL())
	}
}

func TestEveryWrongSettingIsNamed(t *testing.T) {
	tests := map[string]string{
		"APP_API_TOKEN": "short", "DELIVERY_TOKEN": "with/slash", "LOG_FORMAT": "xml", "APP_PORT": "no", "TRUSTED_PEERS": "::1, nowhere",
		"NOTIFICATION_DATABASE_URL": "mysql://secret-password@host", "NOTIFICATION_WXMA_STATE": "beta",
		"NOTIFICATION_WXMA_TIMEOUT_SECONDS": "6", "NOTIFICATION_CHECKIN_TIME": "24:00", "NOTIFICATION_PARALLEL": "0",
		"NOTIFICATION_GIVE_UP_AFTER": "soon", "NOTIFICATION_REQUESTS_PER_USER": "many", "NOTIFICATION_TEMPLATE_PAID": " ",
		"NOTIFICATION_PAGE": strings.Repeat("x", 1025),
	}
	for name, value := range tests {
		_, err := Load(lookup(given(name, value)))
		if err == nil || !strings.HasPrefix(err.Error(), "setting "+name+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s=%q: %v", name, value, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret-password") {
			t.Errorf("%s quotes its value", name)
		}
	}
	_, err := Load(lookup(nil))
	for _, name := range []string{"APP_API_TOKEN", "NOTIFICATION_DATABASE_URL", "NOTIFICATION_WXMA_APPID"} {
		if !strings.Contains(err.Error(), "setting "+name+": must be set") {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
}
