package weights

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"vitrine/engine/fault"
)

// Subfolder is a folder inside of another. path is one or several plain names with slashes
// between them.
func Subfolder(f Folder, path string) Folder { return subfolder{f, path} }

type subfolder struct {
	Folder
	path string
}

func (s subfolder) Name() string { return strings.TrimSuffix(s.Folder.Name(), "/") + "/" + s.path }

func (s subfolder) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	return s.Folder.Open(ctx, s.path+"/"+name)
}

// OpenOneOf opens the first safetensors file of a list that the folder has. Errors are those
// of Open.
func OpenOneOf(ctx context.Context, f Folder, files ...string) (*Checkpoint, error) {
	var refusal error
	for _, file := range files {
		c := &Checkpoint{folder: f}
		h, err := c.open(ctx, file)
		if err == nil {
			c.header, c.Tensors, c.Metadata, c.DataBytes = h, h.Tensors, h.Metadata, h.DataBytes
			return c, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if refusal == nil && Denied(err) {
			refusal = err
		}
	}
	if refusal != nil {
		return nil, refusal
	}
	return nil, fault.New(fault.NotFound, f.Name(), "has none of the files %s: %w", strings.Join(files, ", "), fs.ErrNotExist)
}
