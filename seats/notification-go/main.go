// The notification service in Go: it takes the place of the Python service of the same app-id, on the same tables and with
// the same environment. See README.md.
package main

import (
	"fmt"
	"os"

	"github.com/minsu/minsu/seats/notification-go/internal/app"
	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/logging"
)

const (
	badSettings   = 2
	startupFailed = 3
)

func main() {
	c, err := config.Load(os.LookupEnv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(badSettings)
	}
	log := logging.New(os.Stdout, c.LogFormat, c.LogLevel, app.Name)
	if err := app.Run(c, log); err != nil {
		log.Error("cannot start", "reason", err.Error())
		os.Exit(startupFailed)
	}
}
