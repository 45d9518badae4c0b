// The notification service in Go: it takes the place of the Python service of the same app-id, on the same tables and with
// the same environment. See README.md.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/app"
	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/logging"
)

const (
	notReady      = 1
	badSettings   = 2
	startupFailed = 3
)

func main() {
	c, err := config.Load(os.LookupEnv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(badSettings)
	}
	switch {
	case len(os.Args) == 1:
		log := logging.New(os.Stdout, c.LogFormat, c.LogLevel, app.Name)
		if err := app.Run(c, log); err != nil {
			log.Error("cannot start", "reason", err.Error())
			os.Exit(startupFailed)
		}
	case os.Args[1] == "healthy":
		if err := healthy(c.AppPort); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(notReady)
		}
	default:
		fmt.Fprintf(os.Stderr, "%s: serves without arguments; `healthy` asks whether the one beside it is ready;"+
			" `python -m notification migrate` migrates\n", app.Name)
		os.Exit(badSettings)
	}
}

// healthy asks the service in the same container, whose image has nothing else to ask with.
func healthy(port int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	url := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) + "/readyz"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // only the status is looked at
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}
