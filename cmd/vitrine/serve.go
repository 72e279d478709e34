package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	firstPort  = 8080
	portsTried = 100
	// strictPolicy is the tightest Content-Security-Policy that Vitrine works under.
	strictPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; require-trusted-types-for 'script'"
)

// serveCmd serves a folder as any static host would: no special headers.
type serveCmd struct {
	Dir  string `help:"Folder to serve." default:"dist" placeholder:"DIR"`
	Port int    `help:"Port on loopback; without it 8080 or the next free one." env:"PORT" placeholder:"PORT"`
	CSP  bool   `name:"csp" help:"Send a strict Content-Security-Policy with every answer."`
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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.CSP {
			w.Header().Set("Content-Security-Policy", strictPolicy)
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD are answered here", http.StatusMethodNotAllowed)
			return
		}
		c.answer(w, r)
	})
}

// answer sends a file, the index.html of a folder, or a plain 404.
func (c serveCmd) answer(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if strings.HasSuffix(r.URL.Path, "/") {
		name = path.Join(name, "index.html")
	}
	// The folder is opened by name each time: a build replaces it.
	file, err := os.OpenInRoot(c.Dir, name)
	if err != nil {
		notFound(w, r)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		if _, err := os.Stat(filepath.Join(c.Dir, filepath.FromSlash(name), "index.html")); err == nil {
			target := url.URL{Path: "/" + name + "/", RawQuery: r.URL.RawQuery}
			http.Redirect(w, r, target.String(), http.StatusMovedPermanently)
			return
		}
	}
	if err != nil || !info.Mode().IsRegular() {
		notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mediaType(name))
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	http.ServeContent(w, r, "", time.Time{}, file)
}

func notFound(w http.ResponseWriter, r *http.Request) {
	http.Error(w, r.URL.Path+" is not here", http.StatusNotFound)
}

// mediaType goes by the ending, and by nothing that the machine has configured.
func mediaType(name string) string {
	if known, ok := mediaTypes[path.Ext(name)]; ok {
		return known
	}
	return "application/octet-stream"
}

var mediaTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".jpeg":        "image/jpeg",
	".jpg":         "image/jpeg",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".md":          "text/plain; charset=utf-8",
	".mjs":         "text/javascript; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".ts":          "text/plain; charset=utf-8",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
}
