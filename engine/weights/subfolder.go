package weights

import (
	"context"
	"io"
	"strings"
)

// Subfolder is a folder inside of another. path is one or several plain names with slashes
// between them.
func Subfolder(f Folder, path string) Folder { return subfolder{f, path} }

type subfolder struct {
	Folder
	path string
}

func (s subfolder) Unwrap() Folder { return s.Folder }

func (s subfolder) Name() string { return strings.TrimSuffix(s.Folder.Name(), "/") + "/" + s.path }

func (s subfolder) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	return s.Folder.Open(ctx, s.path+"/"+name)
}
