//go:build js && wasm

package main

import (
	"bufio"
	"context"
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
type folder struct{ base *url.URL }

// newFolder takes the folder's URL, which ends in a slash. It may have a query, which the
// URL of each file gets too.
func newFolder(address string) (folder, error) {
	base, err := url.Parse(address)
	if err != nil {
		return folder{}, fault.New(fault.Option, "model", "%q is no URL: %w", address, err)
	}
	return folder{base}, nil
}

func (f folder) Name() string { return f.base.String() }

// Open fetches a file. The worker's fetch (js/worker/fetch.js) leaves
// Content-Length away where it may not be the length of what is read.
func (f folder) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	address := f.base.JoinPath(strings.ReplaceAll(url.PathEscape(name), "%2F", "/")).String()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, fault.New(fault.Network, address, "%w", err)
	}
	response, err := httputil.DefaultClient.Do(request)
	switch {
	case ctx.Err() != nil:
		return nil, 0, context.Cause(ctx)
	case err != nil:
		why := strings.TrimPrefix(err.Error(), "net/http: fetch() failed: ")
		return nil, 0, fault.New(fault.Network, address, "can't be reached (%s); check the address and the connection, and that its host lets this page read it (CORS)", why)
	case response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusGone:
		response.Body.Close()
		return nil, 0, fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	case response.StatusCode != http.StatusOK:
		response.Body.Close()
		return nil, 0, fault.New(fault.Network, address, "the host answers %s; check the address, and whether the model is public", response.Status)
	}
	b := &body{ctx: ctx, Reader: bufio.NewReaderSize(response.Body, weights.PageBytes), close: response.Body.Close}
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
	ctx   context.Context
	stop  func() bool
	close func() error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && b.ctx.Err() != nil {
		err = context.Cause(b.ctx)
	}
	return n, err
}

func (b *body) Close() error {
	b.stop()
	return b.close()
}
