package weights

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"vitrine/engine/fault"
)

const hostilePickles = "../../testdata/golden/hostile_pickles/"

// readFolder opens the weights of a folder in memory and reads all convertible tensors.
func readFolder(ctx context.Context, h *host) (map[string][]float32, error) {
	c, err := Open(ctx, h)
	if err != nil {
		return nil, err
	}
	got := map[string][]float32{}
	return got, c.Stream(ctx, collect(got), nil)
}

// TestHostilePickles reads files that lie or that name what runs: each is refused, with
// its name in the error, or gives the values that its list says. Memory stays in
// proportion to the file.
func TestHostilePickles(t *testing.T) {
	var list []struct{ File, What, Must string }
	data, err := os.ReadFile(hostilePickles + "list.json")
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil || len(list) < 42 {
		t.Fatal(len(list), err)
	}
	for _, c := range list {
		file, err := os.ReadFile(hostilePickles + c.File)
		if err != nil {
			t.Fatal(err)
		}
		name := "pytorch_model.bin"
		if strings.HasSuffix(c.File, ".index.json") {
			name = "pytorch_model.bin.index.json"
		}
		for _, silent := range []bool{false, true} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			h := &host{silent: silent, files: map[string][]byte{name: file, "../good_zip.bin": nil}}
			got, err := readFolder(t.Context(), h)
			runtime.ReadMemStats(&after)
			if took, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+200*len(file)); took > most {
				t.Errorf("%s: %d bytes of memory for a file of %d", c.File, took, len(file))
			}
			if h.open != 0 {
				t.Errorf("%s: %d files are left open", c.File, h.open)
			}
			if err == nil {
				if !strings.HasSuffix(c.Must, "read weight as [[1, 2], [3, 4]]") || !reflect.DeepEqual(got, map[string][]float32{"weight": {1, 2, 3, 4}}) {
					t.Errorf("%s: %s: read as %v", c.File, c.What, got)
				}
				continue
			}
			if !strings.HasPrefix(c.Must, "refuse") || fault.CodeOf(err) != fault.Weights || !strings.HasPrefix(err.Error(), name+": ") || len(err.Error()) > 600 {
				t.Errorf("%s: %s: %v (%s), must %s", c.File, c.What, err, fault.CodeOf(err), c.Must)
			}
			t.Logf("%s (%s): %v", c.File, c.What, err)
		}
	}
	for _, ran := range []string{"vitrine_hostile_pickle_ran", hostilePickles + "vitrine_hostile_pickle_ran"} {
		if _, err := os.Stat(ran); err == nil {
			t.Errorf("%s is there: a file ran its payload", ran)
		}
	}
}

// TestTorchFiles reads what testdata/torch/make.py wrote with PyTorch and holds it against
// what torch.load gives: views, strides, Parameters, tied and empty tensors, every dtype,
// both layouts, all protocols, a checkpoint of a training.
func TestTorchFiles(t *testing.T) {
	var expected map[string]map[string]struct {
		DType  DType
		Shape  []int
		Values []float32
	}
	text, err := os.ReadFile("testdata/torch/expected.json")
	if err == nil {
		err = json.Unmarshal(text, &expected)
	}
	if err != nil || len(expected) < 9 {
		t.Fatal(len(expected), err)
	}
	for file, want := range expected {
		data, err := os.ReadFile("testdata/torch/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, silent := range []bool{false, true} {
			h := &host{silent: silent, files: map[string][]byte{"pytorch_model.bin": data}}
			c, err := Open(t.Context(), h)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if len(c.Tensors) != len(want) {
				t.Errorf("%s: %d tensors, want %d: %v", file, len(c.Tensors), len(want), c.Names())
			}
			for _, x := range c.Tensors {
				if w := want[x.Name]; x.DType != w.DType || !slices.Equal(x.Shape, w.Shape) || x.End-x.Begin != int64(len(w.Values)*w.DType.Size()) {
					t.Errorf("%s: %+v is not %s %v", file, x, w.DType, w.Shape)
				}
			}
			got, last := map[string][]float32{}, int64(0)
			err = c.Stream(t.Context(), collectAll(got), func(done, total int64) {
				if done <= last || total != c.DataBytes {
					t.Errorf("%s: %d of %d bytes, after %d", file, done, total, last)
				}
				last = done
			})
			if err != nil || last != c.DataBytes || !slices.Equal(h.opened, []string{"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"}) || h.open != 0 {
				t.Errorf("%s: %v, %d of %d bytes, opened %v, %d open", file, err, last, c.DataBytes, h.opened, h.open)
			}
			for name, w := range want {
				if !slices.Equal(got[name], w.Values) {
					t.Errorf("%s: %s is %v, want %v", file, name, got[name], w.Values)
				}
			}
		}
	}
}

// collectAll is collect for tensors of all types.
func collectAll(into map[string][]float32) func(Tensor) (Target, error) {
	floats := collect(into)
	return func(x Tensor) (Target, error) {
		if x.DType.Convertible() {
			return floats(x)
		}
		into[x.Name] = []float32{}
		return Target{Bytes: func(_ int, data []byte) error {
			for size := x.DType.Size(); len(data) > 0; data = data[size:] {
				word := make([]byte, 8)
				copy(word, data[:size])
				n := int64(le64(word)) << (64 - 8*size) >> (64 - 8*size)
				into[x.Name] = append(into[x.Name], float32(n))
			}
			return nil
		}}, nil
	}
}

// TestLargeStorage reads views of a storage that arrives in several chunks: as a whole, a
// part that begins and ends inside chunks, transposed, reversed in its axes, and skipped.
func TestLargeStorage(t *testing.T) {
	const rows, columns = 300, 200 // 240,000 bytes
	all := ramp(rows * columns)
	transposed, axes := make([]float32, 0, len(all)), make([]float32, 0, len(all))
	for j := range columns {
		for i := range rows {
			transposed = append(transposed, all[i*columns+j])
		}
	}
	for c := range 4 {
		for b := range 50 {
			for a := range rows {
				axes = append(axes, all[a*columns+b*4+c])
			}
		}
	}
	want := map[string][]float32{"whole": all, "part": all[20_001:40_000], "transposed": transposed, "axes": axes, "none": {}}
	for _, described := range []bool{true, false} {
		file := torchZip(t, described, all,
			torchView{"whole", 0, []int{rows, columns}, []int{columns, 1}},
			torchView{"skipped", 0, []int{rows, columns}, []int{columns, 1}},
			torchView{"part", 20_001, []int{19_999}, []int{1}},
			torchView{"transposed", 0, []int{columns, rows}, []int{1, columns}},
			torchView{"axes", 0, []int{4, 50, rows}, []int{1, 4, columns}},
			torchView{"none", 60_000, []int{0, 7}, []int{7, 1}},
		)
		for name, r := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "EOF with data": iotest.DataErrReader,
		} {
			body := r(bytes.NewReader(file))
			h, err := ReadHeader("pytorch_model.bin", body, -1)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string][]float32{}
			floats := collect(got)
			err = h.Stream(t.Context(), body, func(x Tensor) (Target, error) {
				if x.Name == "skipped" {
					return Target{}, nil
				}
				return floats(x)
			}, nil)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, described %t: differs, %v", name, described, err)
			}
		}
	}

	// Eight times the storage is as much as its tensors may take.
	var many []torchView
	for i := range 20 {
		many = append(many, torchView{string(rune('a' + i)), 0, []int{rows * columns}, []int{1}})
	}
	large := ramp(8 * rows * columns)
	for i := range many {
		many[i].sizes[0] = len(large)
	}
	_, err := ReadHeader("pytorch_model.bin", bytes.NewReader(torchZip(t, true, large, many...)), -1)
	if err == nil || !strings.Contains(err.Error(), "more than eight times") {
		t.Errorf("20 views of all: %v", err)
	}
	poisoned := slices.Clone(all)
	poisoned[77] = float32(math.NaN())
	_, err = readFolder(t.Context(), &host{files: map[string][]byte{"pytorch_model.bin": torchZip(t, true, poisoned, torchView{"w", 0, []int{columns, rows}, []int{1, columns}})}})
	if err == nil || !strings.HasPrefix(err.Error(), "pytorch_model.bin: w: value 23100 of 60000 is NaN") {
		t.Errorf("NaN: %v", err)
	}
}

type torchView struct {
	name           string
	offset         int
	sizes, strides []int
}

// torchZip writes a file of one float32 storage as torch.save does. described: sizes
// follow the members, as torch writes them; else they stand before, as other programs do.
func torchZip(t *testing.T, described bool, values []float32, views ...torchView) []byte {
	t.Helper()
	text := func(s string) string {
		return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
	}
	number := func(n int) string { return "J" + string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }
	tuple := func(list []int) string {
		s := "("
		for _, n := range list {
			s += number(n)
		}
		return s + "t"
	}
	p := "\x80\x02}"
	for _, v := range views {
		p += text(v.name) + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + number(len(values)) + "tQ" +
			number(v.offset) + tuple(v.sizes) + tuple(v.strides) + "\x89NtRs"
	}
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	var file bytes.Buffer
	z := zip.NewWriter(&file)
	for _, m := range []struct {
		name string
		data []byte
	}{{"archive/data.pkl", []byte(p + ".")}, {"archive/byteorder", []byte("little")}, {"archive/data/0", data}, {"archive/version", []byte("3\n")}, {"archive/.data/serialization_id", []byte("0123")}} {
		header := &zip.FileHeader{Name: m.name, Method: zip.Store, CompressedSize64: uint64(len(m.data)), UncompressedSize64: uint64(len(m.data))}
		create := z.CreateRaw
		if described {
			create = z.CreateHeader
		}
		w, err := create(header)
		if err == nil {
			_, err = w.Write(m.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestEveryCutOfATorchFile cuts and flips the two good files anywhere: no cut is read, and
// nothing panics.
func TestEveryCutOfATorchFile(t *testing.T) {
	for _, name := range []string{"good_zip.bin", "good_legacy.bin"} {
		file, err := os.ReadFile(hostilePickles + name)
		if err != nil {
			t.Fatal(err)
		}
		for n := range file {
			for _, silent := range []bool{false, true} {
				h := &host{silent: silent, files: map[string][]byte{"pytorch_model.bin": file[:n]}}
				if _, err := readFolder(t.Context(), h); fault.CodeOf(err) != fault.Weights || err == nil {
					t.Fatalf("%s: %d of %d bytes give %v", name, n, len(file), err)
				}
			}
			flipped := bytes.Clone(file)
			flipped[n] ^= 0x11
			readFolder(t.Context(), &host{silent: true, files: map[string][]byte{"pytorch_model.bin": flipped}})
		}
		long := append(bytes.Clone(file), 0)
		if _, err := readFolder(t.Context(), &host{silent: true, files: map[string][]byte{"pytorch_model.bin": long}}); err == nil || !strings.Contains(err.Error(), "continues") {
			t.Errorf("%s with a byte more gives %v", name, err)
		}
	}
}

// TestTorchIntegrity: the hash is that of the file that is read, and wherever the damage
// is, the error is about it.
func TestTorchIntegrity(t *testing.T) {
	for _, name := range []string{"good_zip.bin", "good_legacy.bin"} {
		file, err := os.ReadFile(hostilePickles + name)
		if err != nil {
			t.Fatal(err)
		}
		sums := map[string][sha256.Size]byte{"pytorch_model.bin": sha256.Sum256(file)}
		read := func(file []byte) error {
			c, err := Open(t.Context(), Verified(&host{silent: true, files: map[string][]byte{"pytorch_model.bin": file}}, sums))
			if err == nil {
				err = c.Stream(t.Context(), collect(map[string][]float32{}), nil)
			}
			return err
		}
		if err := read(file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i := range file {
			damaged := slices.Clone(file)
			damaged[i] ^= 0x80
			if err := read(damaged); fault.CodeOf(err) != fault.Integrity {
				t.Fatalf("%s: byte %d flipped: got %v", name, i, err)
			}
		}
	}
}

// TestForeignFiles names what lies in the place of a PyTorch file, and of safetensors.
func TestForeignFiles(t *testing.T) {
	zip, err := os.ReadFile(hostilePickles + "good_zip.bin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"version https://git-lfs.github.com/spec/v1\n": "Git LFS pointer",
		"GGUF\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00": "GGUF",
		"\x89HDF\r\n\x1a\n\x00\x00\x00\x00":            "HDF5",
		"\x1f\x8b\x08\x00\x5d\x7d\xa8\xd0\x00\x03":     "gzip",
		"\x08\x07\x12\x07pytorch\x1a":                  "ONNX",
		"<!doctype html><title>Not found</title>":      "HTML page",
	} {
		for _, name := range []string{"pytorch_model.bin", "model.safetensors"} {
			h := &host{files: map[string][]byte{name: []byte(text)}}
			if _, err := Open(t.Context(), h); fault.CodeOf(err) != fault.Weights || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), name) {
				t.Errorf("%.10q as %s: got %v, want %q", text, name, err, want)
			}
		}
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"model.safetensors": {zip, "name it pytorch_model.bin"},
		"pytorch_model.bin": {write(t, Floats("a", []int{1}, []float32{1})), "name it model.safetensors"},
	} {
		if _, err := Open(t.Context(), &host{files: map[string][]byte{name: c.file}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	script := bytes.ReplaceAll(zip, []byte("archive/version"), []byte("archive/code/ab"))
	if _, err := readFolder(t.Context(), &host{files: map[string][]byte{"pytorch_model.bin": script}}); err == nil || !strings.Contains(err.Error(), "TorchScript") {
		t.Errorf("a TorchScript archive gives %v", err)
	}
}

// TestOtherWeightsInTheFolder: where a folder can be listed, the error names what it has
// in place of weights.
func TestOtherWeightsInTheFolder(t *testing.T) {
	path := t.TempDir()
	for _, name := range []string{"tf_model.h5", "model.onnx", "config.json"} {
		if err := os.WriteFile(filepath.Join(path, name), []byte{1}, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Open(t.Context(), Verified(Dir(path), nil))
	if want := "it has model.onnx (an ONNX model), tf_model.h5 (TensorFlow's weights); weights in another format must be converted"; fault.CodeOf(err) != fault.NotFound || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "config.json") {
		t.Errorf("got %v, want %q", err, want)
	}
}

// FuzzPickle reads fuzzed PyTorch files: nothing panics, memory is in proportion to the
// file, and a tensor that is read has as many values as its shape says.
func FuzzPickle(f *testing.F) {
	for _, pattern := range []string{hostilePickles + "*.bin", "testdata/torch/*.bin"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			if len(data) < 20_000 {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := map[string]int{}
		var tensors []Tensor
		h, err := ReadHeader("pytorch_model.bin", iotest.HalfReader(bytes.NewReader(data)), -1)
		if err == nil {
			r := bytes.NewReader(data)
			if h, err = ReadHeader("pytorch_model.bin", r, int64(len(data))); err == nil {
				tensors = h.Tensors
				err = h.Stream(t.Context(), r, func(x Tensor) (Target, error) {
					got[x.Name] = 0
					if x.DType.Convertible() {
						return Target{Values: func(_ int, values []float32) error { got[x.Name] += len(values); return nil }}, nil
					}
					return Target{Bytes: func(_ int, data []byte) error { got[x.Name] += len(data) / x.DType.Size(); return nil }}, nil
				}, nil)
			}
		}
		runtime.ReadMemStats(&after)
		if took, most := after.TotalAlloc-before.TotalAlloc, uint64(2<<20+300*len(data)); took > most {
			t.Fatalf("%d bytes of memory for a file of %d", took, len(data))
		}
		if err != nil {
			if fault.CodeOf(err) != fault.Weights {
				t.Fatalf("%v has the code %s", err, fault.CodeOf(err))
			}
			return
		}
		for _, x := range tensors {
			if n, ok := got[x.Name]; !ok || n != x.Elements() || int64(n*x.DType.Size()) != x.End-x.Begin {
				t.Fatalf("%+v: %d values were read", x, n)
			}
		}
	})
}
