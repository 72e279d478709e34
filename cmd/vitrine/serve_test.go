package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// served makes a folder with a secret beside it, and serves it.
func served(t *testing.T, csp bool) (url, folder string) {
	t.Helper()
	above := t.TempDir()
	folder = filepath.Join(above, "dist")
	for name, content := range map[string]string{
		"secret.txt":              "secret",
		"dist/index.html":         "<!doctype html>",
		"dist/js/a.js":            "1",
		"dist/js/a.wasm":          "\x00asm",
		"dist/js/a.d.ts":          "type A = 1",
		"dist/m/w.safetensors":    "0123456789",
		"dist/m/config.json":      "{}",
		"dist/lessons/index.html": "lessons",
	} {
		path := filepath.Join(above, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret.txt", filepath.Join(folder, "link.txt")); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(serveCmd{Dir: folder, CSP: csp}.handler())
	t.Cleanup(server.Close)
	return server.URL, folder
}

// ask sends one request, following no redirection, and gives the answer with its body.
func ask(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func TestServeFiles(t *testing.T) {
	url, _ := served(t, false)
	for path, want := range map[string]struct{ kind, body string }{
		"/":                    {"text/html; charset=utf-8", "<!doctype html>"},
		"/index.html":          {"text/html; charset=utf-8", "<!doctype html>"},
		"/?x=1":                {"text/html; charset=utf-8", "<!doctype html>"},
		"/lessons/":            {"text/html; charset=utf-8", "lessons"},
		"/js/a.js":             {"text/javascript; charset=utf-8", "1"},
		"/js/a.wasm":           {"application/wasm", "\x00asm"},
		"/js/a.d.ts":           {"text/plain; charset=utf-8", "type A = 1"},
		"/m/config.json":       {"application/json", "{}"},
		"/m/w.safetensors":     {"application/octet-stream", "0123456789"},
		"/js/../m/config.json": {"application/json", "{}"},
	} {
		answer, body := ask(t, "GET", url+path)
		if answer.StatusCode != 200 || body != want.body || answer.Header.Get("Content-Type") != want.kind || answer.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d %q %v", path, answer.StatusCode, body, answer.Header)
		}
		for _, special := range []string{"Content-Security-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy"} {
			if answer.Header.Get(special) != "" {
				t.Errorf("%s: has the header %s", path, special)
			}
		}
	}
	answer, body := ask(t, "GET", url+"/m/w.safetensors", "Range", "bytes=2-4")
	if answer.StatusCode != 206 || body != "234" {
		t.Errorf("a range: %d %q", answer.StatusCode, body)
	}
	if answer, _ := ask(t, "GET", url+"/lessons?x=1"); answer.StatusCode != 301 || answer.Header.Get("Location") != "/lessons/?x=1" {
		t.Errorf("a folder without its slash: %d, to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if answer, _ := ask(t, "POST", url+"/"); answer.StatusCode != 405 {
		t.Errorf("POST: %d", answer.StatusCode)
	}
}

func TestServeNothingElse(t *testing.T) {
	url, _ := served(t, false)
	for _, path := range []string{"/none", "/js/", "/js", "/../secret.txt", "/..%2fsecret.txt", "/js/..%2f..%2fsecret.txt", "/%2e%2e/secret.txt", "/link.txt", "/index.html/", "/a%00b"} {
		answer, body := ask(t, "GET", url+path)
		if answer.StatusCode != 404 || strings.Contains(body, "secret\n") || body == "secret" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %q, %s", path, answer.StatusCode, body, answer.Header.Get("Content-Type"))
		}
	}
}

// A page asks again after a build: the same file costs no bytes, another comes anew.
func TestServeAgain(t *testing.T) {
	url, folder := served(t, false)
	answer, _ := ask(t, "GET", url+"/js/a.js")
	tag := answer.Header.Get("ETag")
	if answer, body := ask(t, "GET", url+"/js/a.js", "If-None-Match", tag); answer.StatusCode != 304 || body != "" {
		t.Errorf("the same file: %d %q", answer.StatusCode, body)
	}
	if err := os.WriteFile(filepath.Join(folder, "js", "a.js"), []byte("22"), 0o644); err != nil {
		t.Fatal(err)
	}
	if answer, body := ask(t, "GET", url+"/js/a.js", "If-None-Match", tag); answer.StatusCode != 200 || body != "22" {
		t.Errorf("another file: %d %q", answer.StatusCode, body)
	}
}

func TestServeUnderAPolicy(t *testing.T) {
	url, _ := served(t, true)
	for _, path := range []string{"/", "/none"} {
		if answer, _ := ask(t, "GET", url+path); answer.Header.Get("Content-Security-Policy") != strictPolicy {
			t.Errorf("%s: the policy is %q", path, answer.Header.Get("Content-Security-Policy"))
		}
	}
}

// started runs the program as a user does and gives the address that it prints.
func started(t *testing.T, env string, args ...string) (address string) {
	t.Helper()
	c := exec.Command(program, append([]string{"serve", "--dir", emojiClip}, args...)...)
	c.Env = append(os.Environ(), env)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ = strings.Cut(line, "http://")
	address, _, _ = strings.Cut(address, "/")
	return address
}

func TestServeTakesTheNextFreePort(t *testing.T) {
	one := started(t, "PORT=")
	another := started(t, "PORT=")
	for _, address := range []string{one, another} {
		host, port, err := net.SplitHostPort(address)
		if n, _ := strconv.Atoi(port); err != nil || host != "127.0.0.1" || n < firstPort || n >= firstPort+portsTried {
			t.Errorf("served at %q", address)
		}
		if answer, _ := ask(t, "GET", "http://"+address+"/config.json"); answer.StatusCode != 200 {
			t.Errorf("%s answers %d", address, answer.StatusCode)
		}
	}
	if one == another {
		t.Errorf("both are at %s", one)
	}
}

func TestServeAtABusyPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	t.Setenv("PORT", port)
	_, complaint, status := command(t, "serve", "--dir", emojiClip)
	if status != 1 || !strings.Contains(complaint, port) || !strings.Contains(complaint, "PORT") {
		t.Errorf("status %d, said %q", status, complaint)
	}
	t.Setenv("PORT", "eighty")
	if _, complaint, status := command(t, "serve", "--dir", emojiClip); status != 2 || !strings.Contains(complaint, "eighty") {
		t.Errorf("PORT=eighty: status %d, said %q", status, complaint)
	}
}
