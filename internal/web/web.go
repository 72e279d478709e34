// Package web reads the folders of models from hosts on the web, for the command. In a
// browser, wasm/fetch.go does.
package web

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
	"time"

	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

// IsAddress tells whether a name is the address of a folder on the web.
func IsAddress(name string) bool {
	return strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://")
}

// Folder gives the folder at an address of https: or http:. The address of a model's page on
// the hub, https://huggingface.co/OWNER/NAME, with /tree/REVISION or without, stands for the
// files of that model. Opening a file sends one request; closing it early ends the transfer.
func Folder(address string) (weights.Folder, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" {
		return nil, fault.New(fault.Option, "model", "%q is no address of a folder", address)
	}
	base.Path = filesOfPage(base)
	base.RawPath, base.Fragment = "", ""
	if !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	return folder{base}, nil
}

// filesOfPage gives the path of the files of a model whose page is at an address on the hub;
// other paths stay as they are.
func filesOfPage(address *url.URL) string {
	if address.Host != "huggingface.co" {
		return address.Path
	}
	parts := strings.Split(strings.Trim(address.Path, "/"), "/")
	switch {
	case len(parts) == 2:
		return strings.Join(parts, "/") + "/resolve/main"
	case len(parts) > 3 && parts[2] == "tree":
		parts[2] = "resolve"
	}
	return strings.Join(parts, "/")
}

// client waits for the beginning of an answer for half a minute at most.
var client = func() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	return &http.Client{Transport: transport}
}()

// folder implements weights.Folder.
type folder struct{ base *url.URL }

func (f folder) Name() string { return f.base.String() }

func (f folder) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	address := f.base.JoinPath(strings.Split(name, "/")...).String()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, fault.New(fault.Network, address, "%w", err)
	}
	request.Header.Set("Accept-Encoding", "identity") // the size of a compressed answer is not that of the file
	response, err := client.Do(request)
	switch {
	case ctx.Err() != nil:
		return nil, 0, context.Cause(ctx)
	case err != nil:
		var detail *url.Error
		if errors.As(err, &detail) {
			err = detail.Err // without the address, which stands before
		}
		return nil, 0, fault.New(fault.Network, address, "can't be reached: %w; check the address and the connection", err)
	case response.StatusCode != http.StatusOK:
		response.Body.Close()
		return nil, 0, weights.AnswerError(address, response.StatusCode, response.Status)
	}
	b := body{bufio.NewReaderSize(response.Body, weights.PageBytes), response.Body}
	if start, _ := b.Peek(weights.PageBytes); weights.IsPageOfAbsent(name, start) {
		b.Close()
		return nil, 0, fmt.Errorf("%s: the host answers with a page: %w", address, fs.ErrNotExist)
	}
	return b, response.ContentLength, nil
}

// body is the content of a file.
type body struct {
	*bufio.Reader
	io.Closer
}
