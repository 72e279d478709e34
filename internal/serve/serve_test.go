package serve

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// served makes a folder with a secret beside it, and serves it by a host.
func served(t *testing.T, host *Host) (url, folder string) {
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
	host.Mounts = map[string]string{"/": folder}
	server := httptest.NewServer(host)
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
	url, _ := served(t, &Host{})
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
	url, _ := served(t, &Host{})
	for _, path := range []string{"/none", "/js/", "/js", "/../secret.txt", "/..%2fsecret.txt", "/js/..%2f..%2fsecret.txt", "/%2e%2e/secret.txt", "/link.txt", "/index.html/", "/a%00b"} {
		answer, body := ask(t, "GET", url+path)
		if answer.StatusCode != 404 || strings.Contains(body, "secret\n") || body == "secret" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %q, %s", path, answer.StatusCode, body, answer.Header.Get("Content-Type"))
		}
	}
}

// A page asks again after a build: the same file costs no bytes, another comes anew.
func TestServeAgain(t *testing.T) {
	url, folder := served(t, &Host{})
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

func TestHeadersComeWithEveryResponse(t *testing.T) {
	url, _ := served(t, &Host{Headers: map[string]string{"Cross-Origin-Opener-Policy": "same-origin"}})
	for _, path := range []string{"/", "/none"} {
		if answer, _ := ask(t, "GET", url+path); answer.Header.Get("Cross-Origin-Opener-Policy") != "same-origin" {
			t.Errorf("%s: the headers are %v", path, answer.Header)
		}
	}
}

func TestCacheControlIsReplaced(t *testing.T) {
	for control, tagged := range map[string]bool{"max-age=600": true, "no-store": false} {
		url, _ := served(t, &Host{Headers: map[string]string{"Cache-Control": control}})
		answer, _ := ask(t, "GET", url+"/js/a.js")
		if answer.Header.Get("Cache-Control") != control || (answer.Header.Get("ETag") != "") != tagged {
			t.Errorf("%s: the headers are %v", control, answer.Header)
		}
	}
}

func TestMounts(t *testing.T) {
	host := &Host{}
	url, folder := served(t, host)
	host.Mounts = map[string]string{"/": filepath.Join(folder, "lessons"), "/a/b/": filepath.Join(folder, "m"), "/file.json": filepath.Join(folder, "m", "config.json")}
	for path, want := range map[string]string{"/": "lessons", "/a/b/w.safetensors": "0123456789", "/file.json": "{}"} {
		if answer, body := ask(t, "GET", url+path); answer.StatusCode != 200 || body != want {
			t.Errorf("%s: %d %q, want %q", path, answer.StatusCode, body, want)
		}
	}
	for _, path := range []string{"/a/w.safetensors", "/a/b/../w.safetensors", "/file.json/x"} {
		if answer, _ := ask(t, "GET", url+path); answer.StatusCode != 404 {
			t.Errorf("%s: %d, want 404", path, answer.StatusCode)
		}
	}
}

func TestCompressedFiles(t *testing.T) {
	host := &Host{Compress: true}
	url, _ := served(t, host)
	for i := range 2 {
		answer, body := ask(t, "GET", url+"/js/a.d.ts", "Accept-Encoding", "gzip")
		if answer.Header.Get("Content-Encoding") != "" || body != "type A = 1" {
			t.Errorf("a file that hosts don't compress: %v %q", answer.Header, body)
		}
		answer, body = ask(t, "GET", url+"/js/a.wasm", "Accept-Encoding", "gzip")
		if answer.Header.Get("Content-Encoding") != "gzip" || unpack(t, body) != "\x00asm" {
			t.Errorf("time %d: %v %q", i, answer.Header, body)
		}
		if want := int64((len("type A = 1") + len(body)) * (i + 1)); host.Sent() != want {
			t.Errorf("%d bytes were sent, want %d", host.Sent(), want)
		}
	}
}

func unpack(t *testing.T, packed string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRateIsOfAllConnections(t *testing.T) {
	const size, rate = 64 << 10, 1 << 20
	host := &Host{Rate: rate, Answer: func(*http.Request) *Answer { return &Answer{Body: bytes.Repeat([]byte("a"), size)} }}
	url, _ := served(t, host)
	start := time.Now()
	lengths := make(chan int)
	for range 2 {
		go func() {
			answer, err := http.Get(url)
			if err != nil {
				lengths <- 0
				return
			}
			defer answer.Body.Close()
			body, _ := io.ReadAll(answer.Body)
			lengths <- len(body)
		}()
	}
	if a, b := <-lengths, <-lengths; a != size || b != size {
		t.Errorf("%d and %d bytes came, want %d", a, b, size)
	}
	if took, least := time.Since(start), 2*size*time.Second/rate; took < least {
		t.Errorf("they took %v, less than the %v of the line", took, least)
	}
}

func TestAnswersReplaceFiles(t *testing.T) {
	var given *Answer
	url, _ := served(t, &Host{Headers: map[string]string{"A": "host"}, Answer: func(*http.Request) *Answer { return given }})
	for _, c := range []struct {
		what   string
		answer *Answer
		status int
		kind   string
		body   string
	}{
		{"none", nil, 200, "application/octet-stream", "0123456789"},
		{"a status", &Answer{Status: 503}, 503, "application/octet-stream", ""},
		{"a body", &Answer{Body: []byte("other"), Type: "text/html"}, 200, "text/html", "other"},
		{"an empty body", &Answer{Body: []byte{}}, 200, "application/octet-stream", ""},
		{"another type", &Answer{Type: "text/html"}, 200, "text/html", "0123456789"},
		{"a file that ends early", &Answer{Cut: 4}, 200, "application/octet-stream", "0123"},
		{"a compressed one", &Answer{Cut: 4, Gzip: true}, 200, "application/octet-stream", "0123"},
	} {
		given = c.answer
		answer, body := ask(t, "GET", url+"/m/w.safetensors")
		if answer.Header.Get("Content-Encoding") == "gzip" {
			body = unpack(t, body)
		}
		if answer.StatusCode != c.status || answer.Header.Get("Content-Type") != c.kind || body != c.body || answer.Header.Get("A") != "host" {
			t.Errorf("%s: %d %q %v", c.what, answer.StatusCode, body, answer.Header)
		}
	}
	given = &Answer{Headers: map[string]string{"A": "answer"}}
	if answer, _ := ask(t, "GET", url+"/m/w.safetensors"); answer.Header.Get("A") != "answer" {
		t.Errorf("the header of the answer is %q", answer.Header.Get("A"))
	}
}

func TestHeldAnswer(t *testing.T) {
	hold := make(chan struct{})
	url, _ := served(t, &Host{Answer: func(*http.Request) *Answer { return &Answer{Hold: hold} }})
	answer, err := http.Get(url + "/m/w.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	half := make([]byte, 5)
	if _, err := io.ReadFull(answer.Body, half); err != nil || string(half) != "01234" {
		t.Fatalf("%q, %v", half, err)
	}
	close(hold)
	if rest, err := io.ReadAll(answer.Body); err != nil || string(rest) != "56789" {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestFaultyAnswers: the faults of lines and hosts, at the byte that was asked for.
func TestFaultyAnswers(t *testing.T) {
	var given *Answer
	url, _ := served(t, &Host{Answer: func(*http.Request) *Answer { return given }})
	tagged := map[string]string{"ETag": `"a"`}
	dated := map[string]string{"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
	for _, c := range []struct {
		what   string
		answer *Answer
		header []string
		status int
		body   string
		length int64
		ends   error
	}{
		{"a range", &Answer{Headers: tagged}, []string{"Range", "bytes=4-"}, 206, "456789", 6, nil},
		{"a range of the same file", &Answer{Headers: tagged}, []string{"Range", "bytes=4-", "If-Range", `"a"`}, 206, "456789", 6, nil},
		{"a range of another file", &Answer{Headers: tagged}, []string{"Range", "bytes=4-", "If-Range", `"b"`}, 200, "0123456789", 10, nil},
		{"a range of a file of the same time", &Answer{Headers: dated}, []string{"Range", "bytes=4-", "If-Range", dated["Last-Modified"]}, 206, "456789", 6, nil},
		{"a range of a given body", &Answer{Body: []byte("other")}, []string{"Range", "bytes=4-"}, 206, "r", 1, nil},
		{"a range that is refused", &Answer{Whole: true}, []string{"Range", "bytes=4-"}, 200, "0123456789", 10, nil},
		{"a connection that ends", &Answer{Drop: 4}, nil, 200, "0123", 10, io.ErrUnexpectedEOF},
		{"one that ends in a range", &Answer{Drop: 6}, []string{"Range", "bytes=4-"}, 206, "45", 6, io.ErrUnexpectedEOF},
		{"one that ends before a range", &Answer{Drop: 4}, []string{"Range", "bytes=4-"}, 206, "", 6, io.ErrUnexpectedEOF},
		{"too large a length", &Answer{Length: 12}, nil, 200, "0123456789", 12, io.ErrUnexpectedEOF},
		{"too small a length", &Answer{Length: 4, Whole: true}, nil, 200, "0123", 4, nil},
	} {
		given = c.answer
		request, err := http.NewRequest("GET", url+"/m/w.safetensors", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(c.header); i += 2 {
			request.Header.Set(c.header[i], c.header[i+1])
		}
		answer, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != c.status || string(body) != c.body || answer.ContentLength != c.length || err != c.ends {
			t.Errorf("%s: %d %q of %d bytes, %v", c.what, answer.StatusCode, body, answer.ContentLength, err)
		}
	}
}
