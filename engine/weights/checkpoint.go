package weights

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"vitrine/engine/fault"
)

const (
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"
	// maxIndex is a hundred times the largest index seen.
	maxIndex = 16 << 20
)

// Checkpoint is the weights of a model: model.safetensors, or the shards that
// model.safetensors.index.json lists. Open tells what is in it, one call of
// Stream reads it, and Close ends it at any time between. It is not for use by
// several goroutines; the context stops a Stream.
type Checkpoint struct {
	// Tensors is what is known before the data are read. From one file that is
	// everything, in the order of the data; from an index Name and File only, sorted
	// by file and name.
	Tensors []Tensor
	// Metadata is that of a single file; shards have none before they are read.
	Metadata map[string]string
	// DataBytes is the size of all data, -1 where an index doesn't say.
	DataBytes int64

	folder Folder
	index  index
	header Header        // of a single file
	body   io.ReadCloser // what is open now
	done   bool
}

// Open finds the weights in a folder. A single file stays open at the start
// of its data, so that it is asked for once.
func Open(ctx context.Context, f Folder) (*Checkpoint, error) {
	c := &Checkpoint{folder: f}
	err := c.openSingle(ctx)
	if err == nil {
		return c, nil
	}
	// Some hosts answer with a page of theirs where there is no file.
	absent := errors.Is(err, fs.ErrNotExist)
	if !absent && !errors.Is(err, errPage) {
		return nil, err
	}
	indexErr := c.openIndex(ctx)
	if indexErr == nil {
		return c, nil
	}
	if !absent {
		return nil, err
	}
	if errors.Is(indexErr, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, f.Name(), "has neither %s nor %s; weights in another format must be converted to safetensors: %w", singleFile, indexFile, fs.ErrNotExist)
	}
	return nil, indexErr
}

func (c *Checkpoint) openSingle(ctx context.Context) error {
	h, err := c.open(ctx, singleFile)
	if err != nil {
		return err
	}
	c.header, c.Tensors, c.Metadata, c.DataBytes = h, h.Tensors, h.Metadata, h.DataBytes
	return nil
}

func (c *Checkpoint) openIndex(ctx context.Context) error {
	data, err := ReadFile(ctx, c.folder, indexFile, fault.Weights, maxIndex)
	if err != nil {
		return err
	}
	if c.index, err = parseIndex(indexFile, data); err != nil {
		return err
	}
	c.DataBytes = c.index.bytes
	for _, file := range c.index.files {
		for _, name := range c.index.tensors[file] {
			c.Tensors = append(c.Tensors, Tensor{Name: name, File: file})
		}
	}
	return nil
}

// open opens a file, which becomes c.body, and reads its header.
func (c *Checkpoint) open(ctx context.Context, file string) (Header, error) {
	body, size, err := c.folder.Open(ctx, file)
	if err != nil {
		return Header{}, err
	}
	c.body = body
	h, err := ReadHeader(file, contextReader{ctx, body}, size)
	if err != nil {
		return Header{}, aborted(ctx, c.Blame(err))
	}
	return h, nil
}

// Names lists the tensors.
func (c *Checkpoint) Names() []string {
	names := make([]string, len(c.Tensors))
	for i, t := range c.Tensors {
		names[i] = t.Name
	}
	return names
}

// Stream reads all data, file by file, as Header.Stream does, each file by one
// request. A shard must hold the tensors that the index lists for it, no fewer
// and no more. progress, which may be nil, gets bytes of data; total grows with
// what is known and is never below done. Stream can be called once and closes c.
func (c *Checkpoint) Stream(ctx context.Context, want func(Tensor) (Target, error), progress func(done, total int64)) error {
	defer c.Close()
	if c.done {
		return fault.New(fault.Internal, c.folder.Name(), "the weights have been read already")
	}
	c.done = true
	total := c.DataBytes
	before, known := int64(0), int64(0) // data of the files read, and of those opened
	stream := func(h Header) error {
		known += h.DataBytes
		err := h.Stream(ctx, contextReader{ctx, c.body}, want, func(done int64) {
			if progress != nil {
				progress(before+done, max(total, known))
			}
		})
		if err != nil {
			return aborted(ctx, c.Blame(err))
		}
		before = known
		return c.Close()
	}
	if len(c.index.files) == 0 {
		return stream(c.header)
	}
	for _, file := range c.index.files {
		h, err := c.open(ctx, file)
		if errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.NotFound, file, "is listed in %s but isn't there: %w", indexFile, err)
		}
		if err != nil {
			return err
		}
		if err := c.index.check(h); err != nil {
			return c.Blame(err)
		}
		if err := stream(h); err != nil {
			return err
		}
	}
	return nil
}

// Blame closes c after a failure and gives the error to report. That is err,
// unless the open file turns out not to be the expected one (see Verified): its
// hash is known at its end only, and what seemed wrong with its content before
// follows from that.
func (c *Checkpoint) Blame(err error) error {
	defer c.Close()
	if body, ok := c.body.(verifiedBody); ok && fault.CodeOf(err) == fault.Weights {
		if _, end := io.Copy(io.Discard, body); fault.CodeOf(end) == fault.Integrity {
			return end
		}
	}
	return err
}

// Close closes what is open. Closing again does nothing.
func (c *Checkpoint) Close() error {
	if c.body == nil {
		return nil
	}
	body := c.body
	c.body = nil
	return body.Close()
}
