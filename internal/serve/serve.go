// Package serve answers HTTP requests as a static host does: files of folders, with
// types, ranges and ETags, and no special headers. The command serves dist/ with it; the
// browser tests and the bench add headers, a line of limited speed, and faulty answers.
package serve

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Host serves Mounts. It may not be copied.
type Host struct {
	Mounts   map[string]string // a path that ends in a slash → a folder; another path → a file
	Headers  map[string]string // sent with every response; Cache-Control is no-cache by default
	Compress bool              // gzip what hosts compress: texts and WebAssembly
	Rate     int64             // bytes a second, of all connections together; 0: no limit

	// Answer may give another response to a request than the mounts do; nil gives theirs.
	Answer func(*http.Request) *Answer

	sent  atomic.Int64
	line  line
	packs sync.Map // name of a file → its content after gzip
}

// An Answer replaces a part of a response; what is zero stays as it is.
type Answer struct {
	Status  int               `json:"status"`  // without a Body, the body is empty
	Type    string            `json:"type"`    // the media type
	Headers map[string]string `json:"headers"` // besides those of the host
	Body    []byte            `json:"body"`    // instead of a file; empty if not nil
	Cut     int64             `json:"cut"`     // the file ends after so many bytes; 0: it doesn't
	Gzip    bool              `json:"gzip"`    // compress the file; ranges are refused
	Whole   bool              `json:"whole"`   // refuse ranges: answer with the whole file
	Drop    int64             `json:"drop"`    // the connection ends before this byte of the file; 0: it doesn't
	Length  int64             `json:"length"`  // announced instead of the length of the body
	Hold    <-chan struct{}   `json:"-"`       // send half of the file, and the rest when this is closed
}

// Sent counts the bytes of all bodies so far, as they went over the line.
func (h *Host) Sent() int64 { return h.sent.Load() }

func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range h.Headers {
		w.Header().Set(name, value)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are answered here", http.StatusMethodNotAllowed)
		return
	}
	w = &meteredWriter{w, h, r}
	var answer *Answer
	if h.Answer != nil {
		answer = h.Answer(r)
	}
	if answer == nil {
		h.serveFile(w, r)
		return
	}
	h.serveAnswer(w, r, answer)
}

// serveFile sends a file, the index.html of a folder, or a plain 404.
func (h *Host) serveFile(w http.ResponseWriter, r *http.Request) {
	file, name := h.open(r.URL.Path)
	if file == nil {
		notFound(w, r)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		if _, err := os.Stat(filepath.Join(file.Name(), "index.html")); err == nil {
			target := url.URL{Path: path.Clean("/"+r.URL.Path) + "/", RawQuery: r.URL.RawQuery}
			http.Redirect(w, r, target.String(), http.StatusMovedPermanently)
			return
		}
	}
	if err != nil || !info.Mode().IsRegular() {
		notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mediaType(name))
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-cache")
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	}
	if h.Compress && slices.Contains(compressed, path.Ext(name)) {
		h.serveCompressed(w, file)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, file)
}

// serveCompressed sends a whole file after gzip, which is made once.
func (h *Host) serveCompressed(w http.ResponseWriter, file *os.File) {
	pack := sync.OnceValues(func() ([]byte, error) { return gzipOf(file) })
	made, _ := h.packs.LoadOrStore(file.Name(), pack)
	data, err := made.(func() ([]byte, error))()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	w.Write(data)
}

// serveAnswer sends a response that is replaced in part.
func (h *Host) serveAnswer(w http.ResponseWriter, r *http.Request, a *Answer) {
	head := w.Header()
	head.Set("Content-Type", mediaType(r.URL.Path))
	body := io.ReadSeeker(bytes.NewReader(a.Body))
	if a.Body == nil && a.Status == 0 {
		file, name := h.open(r.URL.Path)
		if file == nil {
			notFound(w, r)
			return
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil || !info.Mode().IsRegular() {
			notFound(w, r)
			return
		}
		head.Set("Content-Type", mediaType(name))
		size := info.Size()
		if a.Cut > 0 {
			size = min(size, a.Cut)
		}
		body = io.NewSectionReader(file, 0, size)
		if a.Gzip {
			data, err := gzipOf(body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			head.Set("Content-Encoding", "gzip")
			body = bytes.NewReader(data)
		}
	}
	if a.Type != "" {
		head.Set("Content-Type", a.Type)
	}
	for name, value := range a.Headers {
		head.Set(name, value)
	}
	size, err := body.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body = &faultyBody{ReadSeeker: body, answer: a, half: size / 2, request: r, flush: http.NewResponseController(w).Flush}
	if a.Length > 0 {
		w, size = &lyingWriter{w, a.Length}, a.Length
	}
	if a.Status == 0 && !a.Gzip && !a.Whole {
		modified, _ := http.ParseTime(head.Get("Last-Modified")) // zero where there is none
		http.ServeContent(w, r, "", modified, body)
		return
	}
	head.Set("Content-Length", fmt.Sprint(size))
	if a.Status != 0 {
		w.WriteHeader(a.Status)
	}
	io.Copy(w, body)
}

// faultyBody is the content of an Answer that is held, or whose connection ends.
type faultyBody struct {
	io.ReadSeeker
	answer  *Answer
	at      int64 // the next byte
	half    int64 // where a held body waits
	request *http.Request
	flush   func() error
}

func (b *faultyBody) Seek(offset int64, whence int) (int64, error) {
	at, err := b.ReadSeeker.Seek(offset, whence)
	b.at = at
	return at, err
}

func (b *faultyBody) Read(p []byte) (int, error) {
	if drop := b.answer.Drop; drop > 0 {
		if b.at >= drop {
			b.flush()
			panic(http.ErrAbortHandler)
		}
		p = p[:min(int64(len(p)), drop-b.at)]
	}
	if b.answer.Hold != nil && b.at < b.half {
		p = p[:min(int64(len(p)), b.half-b.at)]
	} else if b.answer.Hold != nil {
		b.flush()
		select {
		case <-b.answer.Hold:
		case <-b.request.Context().Done(): // the client gave up
			return 0, b.request.Context().Err()
		}
	}
	n, err := b.ReadSeeker.Read(p)
	b.at += int64(n)
	return n, err
}

// lyingWriter announces another length than that of the body, and writes no more than that.
type lyingWriter struct {
	http.ResponseWriter
	left int64
}

func (w *lyingWriter) WriteHeader(status int) {
	w.Header().Set("Content-Length", fmt.Sprint(w.left))
	w.ResponseWriter.WriteHeader(status)
}

func (w *lyingWriter) Write(data []byte) (int, error) {
	n, err := w.ResponseWriter.Write(data[:min(int64(len(data)), w.left)])
	w.left -= int64(n)
	return n, err
}

func (w *lyingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// open opens what stands at a path, and gives its name; nil where nothing does. Folders
// are opened anew for every request: a build replaces dist.
func (h *Host) open(asked string) (*os.File, string) {
	clean := path.Clean("/" + asked)
	if file, ok := h.Mounts[clean]; ok && clean != "/" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, ""
		}
		return opened, file
	}
	if strings.HasSuffix(asked, "/") {
		clean = path.Join(clean, "index.html")
	}
	mount := ""
	for prefix := range h.Mounts {
		if strings.HasSuffix(prefix, "/") && strings.HasPrefix(clean+"/", prefix) && len(prefix) > len(mount) {
			mount = prefix
		}
	}
	if mount == "" {
		return nil, ""
	}
	name := strings.Trim((clean + "/")[len(mount):], "/")
	if name == "" {
		name = "."
	}
	file, err := os.OpenInRoot(h.Mounts[mount], name)
	if err != nil {
		return nil, ""
	}
	return file, name
}

func notFound(w http.ResponseWriter, r *http.Request) {
	http.Error(w, r.URL.Path+" is not here", http.StatusNotFound)
}

func gzipOf(content io.Reader) ([]byte, error) {
	var out strings.Builder
	w := gzip.NewWriter(&out)
	if _, err := io.Copy(w, content); err != nil {
		return nil, err
	}
	err := w.Close()
	return []byte(out.String()), err
}

// meteredWriter counts what is written, and waits where the line is slower.
type meteredWriter struct {
	http.ResponseWriter
	host    *Host
	request *http.Request
}

// packet is what a limited line carries at a time, in bytes.
const packet = 16 << 10

func (w *meteredWriter) Write(data []byte) (written int, err error) {
	for len(data) > 0 && err == nil {
		n := len(data)
		if w.host.Rate > 0 {
			n = min(n, packet)
			select {
			case <-time.After(w.host.line.reserve(n, w.host.Rate)):
			case <-w.request.Context().Done():
				return written, w.request.Context().Err()
			}
		}
		w.host.sent.Add(int64(n))
		n, err = w.ResponseWriter.Write(data[:n])
		written += n
		data = data[n:]
	}
	return written, err
}

func (w *meteredWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// line is a line of limited speed that all connections share.
type line struct {
	mu   sync.Mutex
	free time.Time // when what was reserved has passed
}

// reserve takes the line for some bytes and gives how long until they have passed.
func (l *line) reserve(bytes int, rate int64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(bytes) * time.Second / time.Duration(rate))
	return time.Until(l.free)
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

// compressed are the endings of what static hosts compress.
var compressed = []string{".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt", ".wasm"}
