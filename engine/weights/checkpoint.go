package weights

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"vitrine/engine/fault"
)

// maxIndex bounds the bytes of an index: a hundred times the largest one seen.
const maxIndex = 16 << 20

// Files are the names under which Open looks for weights, in the order in which upstream
// prefers them (modeling_utils.py, _get_resolved_checkpoint_files).
var Files = []string{"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"}

// IsFile reports whether a file of a model's folder is one of weights, or their index.
func IsFile(name string) bool {
	return strings.HasSuffix(name, safetensors) || strings.HasSuffix(name, torchEnd) || strings.HasSuffix(name, indexEnd)
}

// Checkpoint is the weights of a model: one file, or the shards that an index lists. Open
// reads what it contains, one call of Stream reads the data, and Close may be called at
// any time. It must not be used by several goroutines; to stop a Stream, end its context.
type Checkpoint struct {
	// Tensors lists the tensors before the data are read: for a single file, all
	// their fields, in the order of Header.Tensors; for shards, Name and File only,
	// sorted by file and name. If all names begin with "module.", as those of a model
	// that was trained on several devices, they are without it, here and in Stream.
	Tensors []Tensor
	// Metadata is that of a single file; nil for shards.
	Metadata map[string]string
	// DataBytes is the size of all data, -1 if an index does not give it.
	DataBytes int64

	folder Folder
	index  index
	header Header        // of a single file
	body   io.ReadCloser // the open file; nil for none
	module bool          // the names in the files begin with "module."
	done   bool          // Stream was called
}

// Open finds the weights in a folder and reads the header or the index. It looks for the
// files with the given names, by default those of Files, and takes the first one that is
// there; a name says the format by its end. A single file stays open at the start of its
// data, so that it is requested once. Errors have fault.Weights, fault.Network,
// fault.Integrity or fault.NotFound, or are the cause of ctx.
func Open(ctx context.Context, f Folder, names ...string) (*Checkpoint, error) {
	if len(names) == 0 {
		names = Files
	}
	var page error    // some hosts answer with an HTML page if the file is absent
	var refusal error // of a host that lets nobody see whether the file is there
	for _, name := range names {
		c := &Checkpoint{folder: f}
		var err error
		if strings.HasSuffix(name, indexEnd) {
			err = c.openIndex(ctx, name)
		} else {
			err = c.openSingle(ctx, name)
		}
		switch {
		case err == nil:
			c.stripModule()
			return c, nil
		case errors.Is(err, errHTML):
			if page == nil {
				page = err
			}
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		case refusal == nil && Denied(err):
			refusal = err
		}
	}
	if page != nil {
		return nil, page
	}
	if refusal != nil {
		return nil, refusal
	}
	return nil, fault.New(fault.NotFound, f.Name(), "has none of %s%s; weights in another format must be converted to safetensors: %w", strings.Join(names, ", "), Others(ctx, f), fs.ErrNotExist)
}

func (c *Checkpoint) openSingle(ctx context.Context, name string) error {
	h, err := c.open(ctx, name)
	if err != nil {
		return err
	}
	c.header, c.Tensors, c.Metadata, c.DataBytes = h, slices.Clone(h.Tensors), h.Metadata, h.DataBytes
	return nil
}

func (c *Checkpoint) openIndex(ctx context.Context, name string) error {
	data, err := ReadFile(ctx, c.folder, name, fault.Weights, maxIndex)
	if err != nil {
		return err
	}
	if err := foreign(data[:min(16, len(data))]); err != nil {
		return fault.New(fault.Weights, name, "%w", err)
	}
	if c.index, err = parseIndex(name, data); err != nil {
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

const module = "module."

// stripModule takes the prefix off if all names have it (open_clip/factory.py,
// load_state_dict; timm/models/_helpers.py, clean_state_dict).
func (c *Checkpoint) stripModule() {
	for _, t := range c.Tensors {
		if !strings.HasPrefix(t.Name, module) {
			return
		}
	}
	c.module = true
	for i := range c.Tensors {
		c.Tensors[i].Name = c.Tensors[i].Name[len(module):]
	}
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

// Sharded reports whether the weights are those of an index.
func (c *Checkpoint) Sharded() bool { return c.index.name != "" }

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
	if c.module {
		stripped := want
		want = func(t Tensor) (Target, error) {
			t.Name = t.Name[len(module):]
			return stripped(t)
		}
	}
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
	if !c.Sharded() {
		return stream(c.header)
	}
	for _, file := range c.index.files {
		h, err := c.openShard(ctx, file)
		if err == nil {
			err = stream(h)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// openShard opens a file of the index as c.body, and reads and checks its header.
func (c *Checkpoint) openShard(ctx context.Context, file string) (Header, error) {
	h, err := c.open(ctx, file)
	if errors.Is(err, fs.ErrNotExist) && !Denied(err) {
		return h, fault.New(fault.NotFound, file, "is listed in %s but is absent; download it too: %w", c.index.name, err)
	}
	if err != nil {
		return h, err
	}
	if err := c.index.check(h); err != nil {
		return h, c.closeAfter(err)
	}
	return h, nil
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
