package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"vitrine/internal/policy"
	"vitrine/internal/serve"
)

const (
	firstPort  = 8080
	portsTried = 100
)

// serveCmd serves a folder as a static host does, without special headers.
type serveCmd struct {
	Dir  string `help:"Folder to serve." default:"dist" placeholder:"DIR"`
	Port int    `help:"Port on loopback; without it 8080 or the next free one." env:"PORT" placeholder:"PORT"`
	CSP  bool   `name:"csp" help:"Send a strict Content-Security-Policy with every response."`
}

func (c serveCmd) Validate() error {
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("port %d; a port is a number from 1 to 65535", c.Port)
	}
	return nil
}

func (c serveCmd) Run(ctx context.Context, out io.Writer) error {
	if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is not a folder; ./build.sh makes dist", c.Dir)
	}
	listener, err := c.listen()
	if err != nil {
		return err
	}
	server := &http.Server{Handler: c.handler(), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	fmt.Fprintf(out, "%s is served at http://%s/ (Ctrl-C ends it)\n", c.Dir, listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listen takes the port that was asked for, or the first free one from firstPort.
func (c serveCmd) listen() (net.Listener, error) {
	first, last := c.Port, c.Port
	if c.Port == 0 {
		first, last = firstPort, firstPort+portsTried-1
	}
	for port := first; port <= last; port++ {
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return listener, err
		}
	}
	if c.Port != 0 {
		return nil, fmt.Errorf("port %d is taken by another program; choose another with PORT", c.Port)
	}
	return nil, fmt.Errorf("the ports %d to %d are all taken; choose another with PORT", first, last)
}

func (c serveCmd) handler() http.Handler {
	host := &serve.Host{Mounts: map[string]string{"/": c.Dir}}
	if c.CSP {
		host.Headers = map[string]string{"Content-Security-Policy": policy.Strict}
	}
	return host
}
