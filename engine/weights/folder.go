package weights

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"vitrine/engine/fault"
)

// Folder is where the files of a model are: a directory, or a URL. One that stands for
// another has a method Unwrap, which gives that.
type Folder interface {
	// Open opens a file, to be read once from start to end. size is in bytes, -1
	// if the host does not give it. The error for an absent file wraps
	// fs.ErrNotExist. The end of ctx ends reads of body too.
	Open(ctx context.Context, name string) (body io.ReadCloser, size int64, err error)
	// Name returns the name of the folder in errors.
	Name() string
}

// Lister is a Folder that knows what it contains.
type Lister interface {
	// List gives the files, also those in folders below, by their paths with slashes.
	List(ctx context.Context) ([]File, error)
}

// File is a file of a folder.
type File struct {
	Name  string
	Bytes int64
}

// otherFormats are the ends of names of weights that Vitrine does not read.
var otherFormats = []struct{ end, what string }{
	{".h5", "TensorFlow's weights"}, {".msgpack", "Flax's weights"}, {".onnx", "an ONNX model"},
	{".gguf", "a GGUF file"}, {".npz", "JAX's weights"}, {".ckpt", "a checkpoint of a training"}, {".pt", "a checkpoint of a training"},
	{".pth", "a checkpoint of a training"}, {".bin", "a PyTorch file"}, {safetensors, "a safetensors file"},
}

// Others names what a folder has in place of a model that can be read, where it can be
// listed, for messages: "; it has model.onnx (an ONNX model)", or nothing.
func Others(ctx context.Context, f Folder) string {
	lister, ok := f.(Lister)
	for !ok {
		wrapper, wraps := f.(interface{ Unwrap() Folder })
		if !wraps {
			return ""
		}
		f = wrapper.Unwrap()
		lister, ok = f.(Lister)
	}
	files, _ := lister.List(ctx)
	found, left := "", 5
	for _, file := range files {
		for _, o := range otherFormats {
			if strings.HasSuffix(file.Name, o.end) && left > 0 {
				left--
				found += fmt.Sprintf(", %.100s (%s)", file.Name, o.what)
				break
			}
		}
	}
	if found == "" {
		return ""
	}
	return "; it has" + found[1:]
}

// ReadFile reads a whole small file of at most limit bytes. A larger or incomplete
// file is an error with the given code; for an absent file it returns the folder's
// error, which wraps fs.ErrNotExist. The content is not checked: some hosts answer
// with an HTML page.
func ReadFile(ctx context.Context, f Folder, name string, code fault.Code, limit int64) ([]byte, error) {
	body, size, err := f.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if size > limit {
		return nil, fault.New(code, name, "has %d bytes, but at most %d are supported; check that this is the right file", size, limit)
	}
	data, err := io.ReadAll(io.LimitReader(contextReader{ctx, body}, limit+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && size >= 0 || err == nil && int64(len(data)) < size:
		return nil, fault.New(code, name, "ends after %d of %d bytes; download the file again", len(data), size)
	case err != nil:
		return nil, abortReason(ctx, readError(name, int64(len(data)), err))
	case int64(len(data)) > limit:
		return nil, fault.New(code, name, "has more than %d bytes, the most that are supported; check that this is the right file", limit)
	case size >= 0 && int64(len(data)) > size:
		return nil, fault.New(code, name, "has %d bytes, but the host announced %d; download the file again", len(data), size)
	}
	return data, nil
}

// contextReader checks its context before each read.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, c.ctx.Err()
	}
	return c.r.Read(p)
}

// abortReason returns the cause of ctx if ctx has ended, else err.
func abortReason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// isCancel reports whether err comes from the end of a context.
func isCancel(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
