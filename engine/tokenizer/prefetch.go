package tokenizer

import (
	"errors"
	"io/fs"
	"sync"
)

// prefetcher reads files in the background: where each read waits for the
// network, several at once take as long as one. Its methods are for one goroutine.
type prefetcher struct {
	source  func(name string) ([]byte, error) // called from several goroutines
	started map[string]func() ([]byte, error) // by file name; waits for that read
	running sync.WaitGroup
}

// start begins to read the named files.
func (p *prefetcher) start(names ...string) {
	if p.started == nil {
		p.started = map[string]func() ([]byte, error){}
	}
	for _, name := range names {
		read := sync.OnceValues(func() ([]byte, error) { return p.source(name) })
		p.started[name] = read
		p.running.Go(func() { read() })
	}
}

// read returns a file's bytes, of a read that start began or of a new one; found is
// false for an absent file.
func (p *prefetcher) read(name string) (data []byte, found bool, err error) {
	if read := p.started[name]; read != nil {
		data, err = read()
	} else {
		data, err = p.source(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return data, true, err
}

// wait returns when no read is running.
func (p *prefetcher) wait() { p.running.Wait() }
