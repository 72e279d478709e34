//go:build js && wasm

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/syumai/tinyutil/httputil"

	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

// folder is a model folder at a URL. It implements weights.Folder.
type folder struct{ address, before, after string } // the URL, and what of it stands before and after the names of files

// newFolder takes the folder's URL. The name of a file replaces {file} in it, or else follows
// its path, which ends in a slash, before its query. js/worker/transport.js has the same rule.
func newFolder(address string) (folder, error) {
	if _, err := url.Parse(address); err != nil {
		return folder{}, fault.New(fault.Option, "model", "%q is no URL: %w", address, err)
	}
	before, after, found := strings.Cut(address, "{file}")
	if !found {
		if before, after, found = strings.Cut(address, "?"); found {
			after = "?" + after
		}
	}
	return folder{address, before, after}, nil
}

func (f folder) Name() string { return f.address }

// Open fetches a file. The worker's fetch (js/worker/transport.js) sends a request again where
// that may help, and goes on where a body was cut; its errors say all that people should know.
// It leaves Content-Length away where that may not be the length of what is read.
func (f folder) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	address := f.before + strings.ReplaceAll(url.PathEscape(name), "%2F", "/") + f.after
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, fault.New(fault.Network, address, "%w", err)
	}
	response, err := httputil.DefaultClient.Do(request)
	switch {
	case ctx.Err() != nil:
		return nil, 0, context.Cause(ctx)
	case err != nil:
		return nil, 0, fault.New(fault.Network, address, "%s", strings.TrimPrefix(err.Error(), "net/http: fetch() failed: "))
	case response.StatusCode != http.StatusOK:
		response.Body.Close()
		return nil, 0, weights.AnswerError(address, response.StatusCode, response.Status)
	}
	b := &body{ctx: ctx, address: address, Reader: bufio.NewReaderSize(response.Body, weights.PageBytes), close: response.Body.Close}
	b.stop = context.AfterFunc(ctx, func() { response.Body.Close() })
	if start, _ := b.Peek(weights.PageBytes); weights.IsPageOfAbsent(name, start) {
		b.Close()
		return nil, 0, fmt.Errorf("%s: the host answers with a page: %w", address, fs.ErrNotExist)
	}
	return b, response.ContentLength, nil
}

// body is the content of a file. An abort closes it, so that a waiting Read ends.
type body struct {
	*bufio.Reader
	ctx     context.Context
	address string
	stop    func() bool
	close   func() error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	switch {
	case err != nil && b.ctx.Err() != nil:
		err = context.Cause(b.ctx)
	case err != nil && !errors.Is(err, io.EOF):
		err = fault.New(fault.Network, b.address, "%w", err)
	}
	return n, err
}

func (b *body) Close() error {
	b.stop()
	return b.close()
}
