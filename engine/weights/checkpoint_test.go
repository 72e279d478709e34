package weights

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vitrine/engine/fault"
)

// host is a Folder in memory that notes which files are opened.
type host struct {
	files  map[string][]byte
	silent bool // gives no sizes
	opened []string
	open   int // files not yet closed
}

func (h *host) Name() string { return "https://host/model" }

func (h *host) Open(_ context.Context, name string) (io.ReadCloser, int64, error) {
	h.opened = append(h.opened, name)
	data, ok := h.files[name]
	if !ok {
		return nil, 0, fault.New(fault.NotFound, name, "the host answers 404: %w", fs.ErrNotExist)
	}
	h.open++
	size := int64(len(data))
	if h.silent {
		size = -1
	}
	return &hostBody{Reader: bytes.NewReader(data), host: h}, size, nil
}

type hostBody struct {
	io.Reader
	host   *host
	closed bool
}

func (b *hostBody) Close() error {
	if !b.closed {
		b.closed = true
		b.host.open--
	}
	return nil
}

const (
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"

	shard1 = "model-00001-of-00002.safetensors"
	shard2 = "model-00002-of-00002.safetensors"
)

// sharded returns a model with the tensors a and b in the first shard and c in the
// second.
func sharded(t *testing.T) *host {
	return &host{files: map[string][]byte{
		"model.safetensors.index.json": []byte(`{"metadata":{"total_size":28},"weight_map":{"c":"` + shard2 + `","b":"` + shard1 + `","a":"` + shard1 + `"}}`),
		shard1:                         write(t, Floats("b", []int{2}, []float32{3, 4}), Floats("a", []int{1}, []float32{5})),
		shard2:                         write(t, Floats("c", []int{2, 2}, []float32{6, 7, 8, 9})),
	}}
}

func TestSingleFile(t *testing.T) {
	for _, silent := range []bool{false, true} {
		h := &host{silent: silent, files: map[string][]byte{"model.safetensors": write(t, Floats("a", []int{2}, []float32{1, 2}), Halves("b", []int{1}, []float32{3}))}}
		c, err := Open(t.Context(), h)
		if err != nil {
			t.Fatal(err)
		}
		if want := []Tensor{{"a", F32, []int{2}, 0, 8, "model.safetensors"}, {"b", F16, []int{1}, 8, 10, "model.safetensors"}}; !reflect.DeepEqual(c.Tensors, want) {
			t.Errorf("got %+v, want %+v", c.Tensors, want)
		}
		if c.DataBytes != 10 || c.Metadata["format"] != "pt" || !slices.Equal(c.Names(), []string{"a", "b"}) {
			t.Errorf("got %d, %v, %v", c.DataBytes, c.Metadata, c.Names())
		}
		got, progress := map[string][]float32{}, ""
		err = c.Stream(t.Context(), collect(got), func(done, total int64) { progress += fmt.Sprintf("%d/%d ", done, total) })
		if err != nil || !reflect.DeepEqual(got, map[string][]float32{"a": {1, 2}, "b": {3}}) {
			t.Errorf("got %v, %v", got, err)
		}
		if progress != "8/10 10/10 " {
			t.Errorf("progress is %s", progress)
		}
		if !slices.Equal(h.opened, []string{"model.safetensors"}) || h.open != 0 {
			t.Errorf("opened %v, %d still open", h.opened, h.open)
		}
		if err := c.Stream(t.Context(), collect(got), nil); fault.CodeOf(err) != fault.Internal {
			t.Errorf("a second Stream gives %v", err)
		}
	}
}

func TestShards(t *testing.T) {
	h := sharded(t)
	c, err := Open(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Names(), []string{"a", "b", "c"}) || c.Tensors[2].File != shard2 || c.DataBytes != 28 {
		t.Errorf("got %v, %+v, %d", c.Names(), c.Tensors, c.DataBytes)
	}
	got, progress := map[string][]float32{}, ""
	err = c.Stream(t.Context(), collect(got), func(done, total int64) { progress += fmt.Sprintf("%d/%d ", done, total) })
	if err != nil || !reflect.DeepEqual(got, map[string][]float32{"a": {5}, "b": {3, 4}, "c": {6, 7, 8, 9}}) {
		t.Errorf("got %v, %v", got, err)
	}
	if progress != "8/28 12/28 28/28 " {
		t.Errorf("progress is %s", progress)
	}
	if want := []string{"model.safetensors", "model.safetensors.index.json", shard1, shard2}; !slices.Equal(h.opened, want) || h.open != 0 {
		t.Errorf("opened %v, want %v; %d still open", h.opened, want, h.open)
	}
}

// TestShardsWithoutTotal: total_size of an index may be absent or wrong.
func TestShardsWithoutTotal(t *testing.T) {
	h := sharded(t)
	h.files[indexFile] = bytes.Replace(h.files[indexFile], []byte(`"total_size":28`), []byte(`"total_size":20`), 1)
	c, err := Open(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	progress := ""
	err = c.Stream(t.Context(), collect(map[string][]float32{}), func(done, total int64) { progress += fmt.Sprintf("%d/%d ", done, total) })
	if err != nil || progress != "8/20 12/20 28/28 " {
		t.Errorf("progress is %s, %v", progress, err)
	}
	h.files[indexFile] = bytes.Replace(h.files[indexFile], []byte(`"total_size":20`), nil, 1)
	if c, err = Open(t.Context(), h); err != nil || c.DataBytes != -1 {
		t.Errorf("got %+v, %v", c, err)
	}
}

// TestFolderFaults breaks a folder in many ways: the error has the right code and
// message, and no file stays open.
func TestFolderFaults(t *testing.T) {
	page := []byte("<!DOCTYPE html><title>Not found</title>")
	set := func(file string, data []byte) func(*host) {
		return func(h *host) { h.files[file] = data }
	}
	for name, c := range map[string]struct {
		spoil func(*host)
		code  fault.Code
		want  string
	}{
		"nothing":             {func(h *host) { clear(h.files) }, fault.NotFound, "https://host/model: has none of model.safetensors, model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json; weights in another format must be converted"},
		"pages only":          {func(h *host) { clear(h.files); h.files[singleFile] = page; h.files[indexFile] = page }, fault.Weights, "model.safetensors: holds an HTML page"},
		"index is a page":     {set(indexFile, page), fault.Weights, "model.safetensors.index.json: holds an HTML page"},
		"index is cut":        {set(indexFile, []byte(`{"weight_map":{`)), fault.Weights, "model.safetensors.index.json: not valid JSON"},
		"shard is absent":     {func(h *host) { delete(h.files, shard2) }, fault.NotFound, shard2 + ": is listed in model.safetensors.index.json but is absent"},
		"shard is a page":     {set(shard2, page), fault.Weights, shard2 + ": holds an HTML page"},
		"shard is cut":        {func(h *host) { h.silent = true; h.files[shard1] = h.files[shard1][:len(h.files[shard1])-1] }, fault.Weights, shard1 + ": ends after"},
		"shard is another":    {func(h *host) { h.files[shard2] = h.files[shard1] }, fault.Weights, shard2 + ": b: is not listed for this file in model.safetensors.index.json"},
		"shard lacks":         {func(h *host) { h.files[shard1] = write(t, Floats("b", nil, []float32{1})) }, fault.Weights, shard1 + ": lacks a, which model.safetensors.index.json lists for it"},
		"shard is of a typo":  {set(indexFile, []byte(`{"weight_map":{"c":"`+shard2+`","a":"`+shard1+`","b":"`+shard1+`","layer.0":"`+shard1+`"}}`)), fault.Weights, "lacks layer.0"},
		"single file is cut":  {set(singleFile, []byte{9, 0}), fault.Weights, "model.safetensors: ends after 2 bytes"},
		"single file is text": {set(singleFile, []byte(`{"weight_map": {}}`)), fault.Weights, "model.safetensors: announces a header of"},
	} {
		h := sharded(t)
		c.spoil(h)
		checkpoint, err := Open(t.Context(), h)
		if err == nil {
			err = checkpoint.Stream(t.Context(), collect(map[string][]float32{}), nil)
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) && !strings.Contains(err.Error(), ": "+c.want) || fault.CodeOf(err) != c.code {
			t.Errorf("%s: got %v (%s), want %q", name, err, fault.CodeOf(err), c.want)
		}
		if h.open != 0 {
			t.Errorf("%s: %d files are left open", name, h.open)
		}
	}
}

// TestPageInPlaceOfAbsentFile: some hosts answer every URL with an HTML page, so an
// HTML page for model.safetensors must not hide the shards.
func TestPageInPlaceOfAbsentFile(t *testing.T) {
	h := sharded(t)
	h.files[singleFile] = []byte("<!doctype html>")
	c, err := Open(t.Context(), h)
	if err != nil || len(c.Tensors) != 3 || h.open != 0 {
		t.Errorf("got %+v, %v, %d open", c, err, h.open)
	}
}

func TestCloseHalfWay(t *testing.T) {
	single := &host{files: map[string][]byte{singleFile: write(t, Floats("a", []int{1}, []float32{1}))}}
	c, err := Open(t.Context(), single)
	if err != nil || single.open != 1 {
		t.Fatalf("%d open, %v", single.open, err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil || single.open != 0 {
		t.Errorf("%d open after Close, %v", single.open, err)
	}

	h := sharded(t)
	reason := errors.New("the visitor went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	if c, err = Open(ctx, h); err != nil {
		t.Fatal(err)
	}
	err = c.Stream(ctx, collect(map[string][]float32{}), func(done, _ int64) {
		if done == 12 {
			cancel(reason)
		}
	})
	if err != reason || h.open != 0 || slices.Contains(h.opened, shard2) {
		t.Errorf("an abort gives %v, %d open, opened %v", err, h.open, h.opened)
	}
	if _, err := Open(ctx, h); err != reason {
		t.Errorf("Open after an abort gives %v", err)
	}
}

func TestIntegrity(t *testing.T) {
	file := write(t, Floats("a", []int{2}, []float32{1, 2}))
	sum := sha256.Sum256(file)
	read := func(file []byte) error {
		h := &host{silent: true, files: map[string][]byte{singleFile: file}}
		c, err := Open(t.Context(), Verified(h, map[string][sha256.Size]byte{singleFile: sum}))
		if err == nil {
			err = c.Stream(t.Context(), collect(map[string][]float32{}), nil)
		}
		if h.open != 0 {
			t.Errorf("%d left open", h.open)
		}
		return err
	}
	if err := read(file); err != nil {
		t.Errorf("the right file: %v", err)
	}
	// Wherever the damage is, the error is about the hash.
	for i := range file {
		damaged := slices.Clone(file)
		damaged[i] ^= 0x80
		if err := read(damaged); fault.CodeOf(err) != fault.Integrity || !strings.HasPrefix(err.Error(), "model.safetensors: its hash is sha256-") {
			t.Fatalf("byte %d flipped: got %v", i, err)
		}
	}
	if err := read(file[:len(file)-1]); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("cut: got %v", err)
	}

	text := formatSHA256(sum[:])
	if got, err := ParseSHA256(text); err != nil || got != sum {
		t.Errorf("%s: got %x, %v", text, got, err)
	}
	for _, bad := range []string{"", "sha256-", "sha384-" + text[7:], text[7:], text + "A", "sha256-" + strings.Repeat("A", 40)} {
		if _, err := ParseSHA256(bad); fault.CodeOf(err) != fault.Option {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestIndexRules(t *testing.T) {
	entry := func(file string) string { return `{"weight_map":{"a":` + file + `}}` }
	for text, want := range map[string]string{
		`[]`:                           "weight_map: found nothing, want an object",
		`{"weight_map":[]}`:            "weight_map: found an array",
		`{"weight_map":{}}`:            "weight_map: lists no tensor",
		entry(`7`):                     "weight_map: a: found a number, want the name of a file",
		entry(`""`):                    `the file name "" is not allowed`,
		entry(`"../x.safetensors"`):    `the file name "../x.safetensors" is not allowed`,
		entry(`"a/x.safetensors"`):     "is not allowed",
		entry(`"a\\x.safetensors"`):    "is not allowed",
		entry(`"https:x.safetensors"`): "is not allowed",
		entry(`"a%2fx.safetensors"`):   "is not allowed",
		entry(`"a?.safetensors"`):      "is not allowed",
		entry(`".safetensors"`):        "is not allowed",
		entry(`"pytorch_model.bin"`):   "ends in .safetensors",
		`{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}`:           `"a" appears twice`,
		`{"metadata":{"total_size":"1"},"weight_map":{"a":"x.safetensors"}}`: `metadata.total_size: found "1"`,
		`{"metadata":{"total_size":-1},"weight_map":{"a":"x.safetensors"}}`:  "metadata.total_size: found -1",
	} {
		if _, err := parseIndex(indexFile, []byte(text)); err == nil || fault.CodeOf(err) != fault.Weights || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), indexFile) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// FuzzIndex compares an accepted index with what encoding/json reads, and checks that
// no file name can leave the folder.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":28},"weight_map":{"c":"model-00002-of-00002.safetensors","b":"model-00001-of-00002.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"\u0061":"..\u002fx.safetensors"}}`))
	f.Add([]byte(`{"metadata":null,"weight_map":{"a":"x.safetensors"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := parseIndex(indexFile, data)
		if err != nil {
			return
		}
		var want struct {
			WeightMap map[string]string `json:"weight_map"`
		}
		if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &want); err != nil {
			t.Fatal(err)
		}
		n := 0
		for file, names := range x.tensors {
			if strings.ContainsAny(file, "/\\:?#%") || strings.HasPrefix(file, ".") || !slices.Contains(x.files, file) {
				t.Fatalf("%q was accepted", file)
			}
			for _, name := range names {
				if want.WeightMap[name] != file {
					t.Fatalf("%q is in %q, want %q", name, file, want.WeightMap[name])
				}
			}
			n += len(names)
		}
		if n != len(want.WeightMap) {
			t.Fatalf("%d names, want %d", n, len(want.WeightMap))
		}
	})
}
