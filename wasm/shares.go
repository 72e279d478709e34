//go:build js && wasm

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"syscall/js"
	"unsafe"

	"vitrine/engine"
	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

// # Functions that Go calls in the model's worker, for the other shares
//
// They are methods of the object vitrine (common/engine.js):
//
//	startShares(options)        starts a worker for every other share, and ends those that run; options: of wasm/share.go, without index
//	sharesReady()               gives 0 once all shares are loaded
//	relayFile(name, size, absent)   begins a file of weights; absent: the model has no file of this name
//	relayChunk(address, length) sends the first bytes of a chunk to all shares, and gives how many
//	relayEnd()                  ends the file
//	startJob(job, address, length)   sends a job to all shares, with length float32 values of tokens; gives 0
//	sum(address, length)        sends length float32 values to all shares and sums theirs up; gives 0
//	finishSum()                 gives 0 once the sum is there, after sum has answered `again`
//	failure()                   gives null, or why the shares have ended: {code, message}
//	endShares(error)            ends the shares because they could not be loaded: {code, message}
//
// Instead of a result a method may give again (−1): Go waits for wake and asks once more; or never (−2): a share has
// ended, or the job was given up.

// shares starts the other shares of the model, and relays to them what the first share
// reads. For that it is also the model's folder; so every file is fetched once.
type shares struct {
	folder
	wanted  int            // number of workers that was asked for; 0: the number that is worth it
	cores   int            // logical cores of the machine
	options map[string]any // of the other shares

	workers int // 0: not decided yet
	config  bytes.Buffer
	named   string   // the file that config is the content of
	pending []chunk  // read before the number of workers was decided
	first   string   // the file of weights that was opened first
	held    int      // bytes in pending
	files   []string // that were relayed, in their order
}

// chunk is what is relayed at once: the beginning of a file, some of its bytes, or its end.
type chunk struct {
	name   string // of a file that begins, or ""
	size   int64
	absent bool
	data   []byte // nil at the end
}

// split implements engine.Options.Split.
func (s *shares) split(cost engine.Cost) (int, encoder.Group, error) {
	s.workers = s.wanted
	if s.workers == 0 {
		s.workers = cost.Workers(s.cores)
	}
	pending := s.pending
	s.pending = nil
	if s.held > maxPending {
		return 0, nil, fault.New(fault.Internal, s.Name(), "%d bytes were read before the number of workers was known", s.held)
	}
	if s.workers < 2 {
		return s.workers, nil, nil
	}
	s.start()
	for _, p := range pending {
		if err := s.relay(p); err != nil {
			return 0, nil, err
		}
	}
	return s.workers, group{}, nil
}

// start starts the workers of the other shares.
func (s *shares) start() {
	s.files = nil
	s.options["folder"], s.options["config"], s.options["named"], s.options["workers"] = s.Name(), s.config.String(), s.named, s.workers
	host.Call("startShares", js.ValueOf(s.options))
}

// ready waits until all shares are loaded.
func (s *shares) ready() error {
	if s.workers < 2 {
		return nil
	}
	if waitFor(func() js.Value { return host.Call("sharesReady") }).Int() == never {
		return lost()
	}
	return nil
}

// renew replaces shares that have ended: all other shares are loaded again, from the files
// that were read before.
func (s *shares) renew(ctx context.Context) error {
	if s.workers < 2 || host.Call("failure").IsNull() {
		return nil
	}
	err := s.reload(ctx)
	if err != nil {
		host.Call("endShares", failure(err)) // the next call tries again
	}
	return err
}

func (s *shares) reload(ctx context.Context) error {
	files := s.files
	s.options["measure"] = false // q8 is measured only when the model is loaded
	s.start()
	for _, name := range files {
		body, _, err := s.Open(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			_, err = io.Copy(io.Discard, body)
			body.Close()
		}
		if err != nil {
			return err
		}
	}
	return s.ready()
}

// Open opens a file of the model's folder. A file of weights is relayed to the shares as it
// is read.
func (s *shares) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	body, size, err := s.folder.Open(ctx, name)
	absent := errors.Is(err, fs.ErrNotExist)
	switch {
	case isConfig(path.Base(name)) && err == nil: // the last one that is read describes the model
		s.config.Reset()
		s.named = path.Base(name)
		return readCloser{io.TeeReader(body, &s.config), body}, size, nil
	case !weights.IsFile(name) || err != nil && !absent || s.workers == 1:
		return body, size, err
	}
	if err := s.relay(chunk{name: name, size: size, absent: absent}); err != nil {
		return nil, 0, err
	}
	if absent {
		return nil, 0, err
	}
	return readCloser{&relayedBody{s, body, false}, body}, size, nil
}

// isConfig tells whether a file describes a model.
func isConfig(name string) bool { return name == "config.json" || name == "open_clip_config.json" }

// readCloser reads from one value and closes another.
type readCloser struct {
	io.Reader
	io.Closer
}

// relayedBody is the content of a file, relayed to the shares as it is read.
type relayedBody struct {
	shares *shares
	body   io.Reader
	ended  bool
}

func (b *relayedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if n > 0 {
		if relayErr := b.shares.relay(chunk{data: p[:n]}); relayErr != nil {
			return n, relayErr
		}
	}
	if err == io.EOF && !b.ended {
		b.ended = true
		if relayErr := b.shares.relay(chunk{}); relayErr != nil {
			return n, relayErr
		}
	}
	return n, err
}

// maxPending is a little more than the longest header of a file of weights. The number of
// workers is decided as soon as the header has been read, so more is never pending.
const maxPending = 101 << 20

// relay sends a chunk to the shares, and waits while they have too much to read.
func (s *shares) relay(p chunk) error {
	switch {
	case s.workers == 1:
		return nil
	case s.workers == 0:
		if s.first == "" {
			s.first = p.name
		} else if p.name == s.first { // opened again, after a GPU has failed
			s.pending, s.held = nil, 0
		}
		if s.held += len(p.data); s.held > maxPending {
			s.pending = nil
			return nil
		}
		p.data = slices.Clone(p.data)
		s.pending = append(s.pending, p)
		return nil
	case p.name != "":
		s.files = append(s.files, p.name)
		host.Call("relayFile", path.Base(p.name), float64(p.size), p.absent)
		return nil
	case p.data == nil:
		host.Call("relayEnd")
		return nil
	}
	for data := p.data; len(data) > 0; {
		n := waitFor(func() js.Value {
			return host.Call("relayChunk", uintptr(unsafe.Pointer(unsafe.SliceData(data))), len(data))
		}).Int()
		runtime.KeepAlive(data)
		if n == never {
			return lost()
		}
		data = data[n:]
	}
	return nil
}
