package weights

import (
	"context"
	"errors"
	"io"

	"vitrine/engine/fault"
)

// Folder gives the files of a model: a directory, or an address.
type Folder interface {
	// Open opens a file for one reading from front to end. size is -1 where the
	// host doesn't say. An absent file gives an error that wraps fs.ErrNotExist.
	// The context holds for the body too.
	Open(ctx context.Context, name string) (body io.ReadCloser, size int64, err error)
	// Name is what errors call the folder.
	Name() string
}

// ReadFile reads a whole small file of at most limit bytes. A larger or a broken
// one is an error of the code given; an absent one keeps the folder's error,
// which wraps fs.ErrNotExist. What the bytes are is for their reader to judge:
// a host may answer with a page.
func ReadFile(ctx context.Context, f Folder, name string, code fault.Code, limit int64) ([]byte, error) {
	body, size, err := f.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if size > limit {
		return nil, fault.New(code, name, "has %d bytes, where at most %d are read; this is not the file it should be", size, limit)
	}
	data, err := io.ReadAll(io.LimitReader(contextReader{ctx, body}, limit+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && size >= 0 || err == nil && int64(len(data)) < size:
		return nil, fault.New(code, name, "ends after %d of %d bytes; download the file again", len(data), size)
	case err != nil:
		return nil, aborted(ctx, broken(name, int64(len(data)), err))
	case int64(len(data)) > limit:
		return nil, fault.New(code, name, "has more than the %d bytes that are read at most; this is not the file it should be", limit)
	case size >= 0 && int64(len(data)) > size:
		return nil, fault.New(code, name, "has %d bytes, where the host announced %d; download the file again", len(data), size)
	}
	return data, nil
}

// contextReader asks its context before each read.
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

// aborted gives the reason of an abort where there was one, else err.
func aborted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func isCancel(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
