package weights

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"vitrine/engine/fault"
)

// Dir returns the directory at path as a Folder. Symbolic links are followed: the
// hub's own cache consists of them. Errors of Open have fault.NotFound, or
// fault.Option for a name outside the directory.
func Dir(path string) Folder { return dir(path) }

type dir string

func (d dir) Name() string { return string(d) }

func (d dir) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	if ctx.Err() != nil {
		return nil, 0, context.Cause(ctx)
	}
	path := filepath.Join(string(d), filepath.FromSlash(name))
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, 0, fault.New(fault.Option, path, "is outside the folder of the model")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, openError(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fault.New(fault.NotFound, path, "is not a file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, openError(path, err)
	}
	return file, info.Size(), nil
}

// otherFormats are the ends of names of weights that Vitrine does not read.
var otherFormats = []struct{ end, what string }{
	{".h5", "TensorFlow's weights"}, {".msgpack", "Flax's weights"}, {".onnx", "an ONNX model"}, {"onnx", "ONNX models"},
	{".gguf", "a GGUF file"}, {".npz", "JAX's weights"}, {".ckpt", "a checkpoint of a training"}, {".pt", "a checkpoint of a training"},
	{".pth", "a checkpoint of a training"}, {".bin", "a PyTorch file of another name"}, {safetensors, "a safetensors file of another name"},
}

// otherWeights names what the directory has in place of weights, for messages.
func (d dir) otherWeights() string {
	entries, _ := os.ReadDir(string(d))
	found, left := "", 5
	for _, e := range entries {
		for _, o := range otherFormats {
			if strings.HasSuffix(e.Name(), o.end) && left > 0 {
				left--
				found += fmt.Sprintf(", %.100s (%s)", e.Name(), o.what)
				break
			}
		}
	}
	if found == "" {
		return ""
	}
	return "; it has" + found[1:]
}

// openError returns why a file cannot be opened. It drops the path of a
// fs.PathError, because the error begins with path already.
func openError(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, path, "%w", fs.ErrNotExist)
	}
	var detail *fs.PathError
	if errors.As(err, &detail) {
		err = detail.Err
	}
	return fault.New(fault.NotFound, path, "can't be opened: %w", err)
}
