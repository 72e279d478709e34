// Command host serves folders on loopback for the browser tests and the bench;
// host.mjs starts it. Both sides write one JSON value a line.
//
// It reads, first, settings; then answers to requests, releases of what an answer
// holds, and questions how many bytes were sent:
//
//	{"mounts": {"/": "dist"}, "headers": {…}, "compress": true, "rate": 2500000}
//	{"request": 1, "answer": {"status": 503, …}}   an answer of internal/serve, or null for the file
//	{"request": 1, "release": true}
//	{"sent": true}
//
// It writes:
//
//	{"url": "http://127.0.0.1:40001/"}
//	{"request": 1, "url": "/a?b", "path": "/a", "headers": {"Range": ["bytes=0-"], …}}   the response waits for the answer
//	{"sent": 5867237}
//
// It ends when its input does.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"

	"vitrine/internal/serve"
)

type settings struct {
	Mounts   map[string]string
	Headers  map[string]string
	Compress bool
	Rate     int64
}

type order struct {
	Request int64
	Answer  *answer
	Release bool
	Sent    bool
}

type answer struct {
	serve.Answer
	Hold bool
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "host:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	orders := json.NewDecoder(in)
	var s settings
	if err := orders.Decode(&s); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	host := &serve.Host{Mounts: s.Mounts, Headers: s.Headers, Compress: s.Compress, Rate: s.Rate}
	c := &conversation{out: json.NewEncoder(out), waiting: map[int64]chan *serve.Answer{}, held: map[int64]chan struct{}{}}
	host.Answer = c.ask
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go http.Serve(listener, host)
	c.say(map[string]any{"url": "http://" + listener.Addr().String() + "/"})
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if o.Sent {
			c.say(map[string]any{"sent": host.Sent()})
		} else {
			c.take(o)
		}
	}
}

// A conversation asks the other side about requests.
type conversation struct {
	mu      sync.Mutex
	out     *json.Encoder
	last    int64                        // number of the last request
	waiting map[int64]chan *serve.Answer // requests whose answer is awaited
	held    map[int64]chan struct{}      // closed when the rest of the body may follow
}

func (c *conversation) say(words any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.Encode(words)
}

// ask gives the other side's answer to a request.
func (c *conversation) ask(r *http.Request) *serve.Answer {
	answered := make(chan *serve.Answer, 1)
	c.mu.Lock()
	c.last++
	c.waiting[c.last] = answered
	c.out.Encode(map[string]any{"request": c.last, "url": r.RequestURI, "path": r.URL.Path, "headers": r.Header})
	c.mu.Unlock()
	return <-answered
}

// take passes an answer or a release on to its request.
func (c *conversation) take(o order) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.Release {
		if held, ok := c.held[o.Request]; ok {
			close(held)
			delete(c.held, o.Request)
		}
		return
	}
	answered, ok := c.waiting[o.Request]
	if !ok {
		return
	}
	delete(c.waiting, o.Request)
	if o.Answer == nil {
		answered <- nil
		return
	}
	if o.Answer.Hold {
		held := make(chan struct{})
		c.held[o.Request] = held
		o.Answer.Answer.Hold = held
	}
	answered <- &o.Answer.Answer
}
