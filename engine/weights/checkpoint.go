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
	// maxIndex bounds the bytes of an index: a hundred times the largest one seen.
	maxIndex = 16 << 20
)

// Checkpoint is the weights of a model: model.safetensors, or the shards that
// model.safetensors.index.json lists. Open reads what it contains, one call of
// Stream reads the data, and Close may be called at any time. It must not be used by
// several goroutines; to stop a Stream, end its context.
type Checkpoint struct {
	// Tensors lists the tensors before the data are read: for a single file, all
	// their fields, in the order of the data; for shards, Name and File only, sorted by
	// file and name.
	Tensors []Tensor
	// Metadata is that of a single file; nil for shards.
	Metadata map[string]string
	// DataBytes is the size of all data, -1 if an index does not give it.
	DataBytes int64

	folder Folder
	index  index
	header Header        // of a single file
	body   io.ReadCloser // the open file; nil for none
	done   bool          // Stream was called
}

// Open finds the weights in a folder and reads the header or the index. A single
// file stays open at the start of its data, so that it is requested once. Errors
// have fault.Weights, fault.Network, fault.Integrity or fault.NotFound, or are the
// cause of ctx.
func Open(ctx context.Context, f Folder) (*Checkpoint, error) {
	c := &Checkpoint{folder: f}
	err := c.openSingle(ctx)
	if err == nil {
		return c, nil
	}
	// Some hosts answer with an HTML page if the file is absent.
	absent := errors.Is(err, fs.ErrNotExist)
	if !absent && !errors.Is(err, errHTML) {
		return nil, err
	}
	indexErr := c.openIndex(ctx)
	if indexErr == nil {
		return c, nil
	}
	if !absent {
		return nil, err
	}
	switch {
	case Denied(err):
		return nil, err
	case errors.Is(indexErr, fs.ErrNotExist) && !Denied(indexErr):
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

// open opens a file as c.body and reads its header.
func (c *Checkpoint) open(ctx context.Context, file string) (Header, error) {
	body, size, err := c.folder.Open(ctx, file)
	if err != nil {
		return Header{}, err
	}
	c.body = body
	h, err := ReadHeader(file, contextReader{ctx, body}, size)
	if err != nil {
		return Header{}, abortReason(ctx, c.closeAfter(err))
	}
	return h, nil
}

// Names returns the names of Tensors, in the same order.
func (c *Checkpoint) Names() []string {
	names := make([]string, len(c.Tensors))
	for i, t := range c.Tensors {
		names[i] = t.Name
	}
	return names
}

// Stream reads all data, file by file, as Header.Stream does; each file is requested
// once. A shard must hold exactly the tensors that the index lists for it.
// progress, which may be nil, receives bytes of data; total grows as files are
// opened and is never below done. Stream may be called once, and closes c.
func (c *Checkpoint) Stream(ctx context.Context, want func(Tensor) (Target, error), progress func(done, total int64)) error {
	defer c.Close()
	if c.done {
		return fault.New(fault.Internal, c.folder.Name(), "the weights have been read already")
	}
	c.done = true
	total := c.DataBytes
	before, known := int64(0), int64(0) // bytes of data in the files read, and in the files opened
	stream := func(h Header) error {
		known += h.DataBytes
		err := h.Stream(ctx, contextReader{ctx, c.body}, want, func(done int64) {
			if progress != nil {
				progress(before+done, max(total, known))
			}
		})
		if err != nil {
			return abortReason(ctx, c.closeAfter(err))
		}
		before = known
		return c.Close()
	}
	if len(c.index.files) == 0 {
		return stream(c.header)
	}
	for _, file := range c.index.files {
		h, err := c.open(ctx, file)
		if errors.Is(err, fs.ErrNotExist) && !Denied(err) {
			return fault.New(fault.NotFound, file, "is listed in %s but is absent; download it too: %w", indexFile, err)
		}
		if err != nil {
			return err
		}
		if err := c.index.check(h); err != nil {
			return c.closeAfter(err)
		}
		if err := stream(h); err != nil {
			return err
		}
	}
	return nil
}

// closeAfter closes c after the error err and returns the error to report. If the
// open file has another hash than expected (see Verified), that is the reason for
// any fault in its content, so it is reported instead of err. The hash is known at
// the end of the file only, so the rest of the file is read.
func (c *Checkpoint) closeAfter(err error) error {
	defer c.Close()
	if body, ok := c.body.(verifiedBody); ok && fault.CodeOf(err) == fault.Weights {
		if _, end := io.Copy(io.Discard, body); fault.CodeOf(end) == fault.Integrity {
			return end
		}
	}
	return err
}

// Close closes the open file, if there is one. Further calls do nothing.
func (c *Checkpoint) Close() error {
	if c.body == nil {
		return nil
	}
	body := c.body
	c.body = nil
	return body.Close()
}
