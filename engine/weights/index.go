package weights

import (
	"slices"
	"strings"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

const indexEnd = ".index.json"

// index lists the tensors of a checkpoint in several files (huggingface/transformers,
// save_pretrained: model.safetensors.index.json, pytorch_model.bin.index.json).
type index struct {
	name    string
	files   []string            // sorted
	tensors map[string][]string // the tensor names of each file, sorted
	bytes   int64               // metadata.total_size, -1 if absent
}

// parseIndex reads {"metadata": {"total_size": n}, "weight_map": {tensor: file}}.
func parseIndex(file string, data []byte) (index, error) {
	x := index{name: file, tensors: map[string][]string{}, bytes: -1}
	root, err := jsonfile.Parse(file, fault.Weights, data)
	if err != nil {
		return x, err
	}
	weightMap := root.Get("weight_map")
	if weightMap.Kind() != jsonfile.Object {
		return x, weightMap.Fail("found %s, want an object of tensor names and file names", weightMap.Kind())
	}
	end := safetensors
	if strings.HasSuffix(file, torchEnd+indexEnd) {
		end = torchEnd
	}
	err = weightMap.Each(func(name string, v jsonfile.Value) error {
		shard, err := v.Text()
		if err != nil {
			return fault.New(fault.Weights, file, "weight_map: %s: found %s, want the name of a file", shorten(name), v.Kind())
		}
		if !isPlainName(shard, end) {
			return fault.New(fault.Weights, file, "weight_map: %s: the file name %.100q is not allowed; a shard is in the folder of its index, and its name has letters, digits, dots, dashes and underscores only and ends in %s", shorten(name), shard, end)
		}
		x.tensors[shard] = append(x.tensors[shard], name)
		return nil
	})
	if err != nil {
		return x, err
	}
	if len(x.tensors) == 0 {
		return x, weightMap.Fail("lists no tensor; download the file again")
	}
	for shard, names := range x.tensors {
		x.files = append(x.files, shard)
		slices.Sort(names)
	}
	slices.Sort(x.files)
	if size := root.Get("metadata").Get("total_size"); size.Has() {
		if x.bytes, err = size.Int(); err != nil || x.bytes < 0 {
			return x, size.Fail("found %.100s, want a number of bytes", size.Raw())
		}
	}
	return x, nil
}

// isPlainName reports whether a name in an index means a file in the same folder,
// both on a disk and in a URL, with an end that says its format.
func isPlainName(name, end string) bool {
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return len(name) <= 255 && name[:min(1, len(name))] != "." && strings.HasSuffix(name, end)
}

// check compares the tensors of a shard with those that the index lists for it.
func (x index) check(h Header) error {
	listed := x.tensors[h.File]
	found := make([]string, len(h.Tensors))
	for i, t := range h.Tensors {
		found[i] = t.Name
		if _, ok := slices.BinarySearch(listed, t.Name); !ok {
			return t.Fail("is not listed for this file in %s; the two are of different versions: download both again", x.name)
		}
	}
	slices.Sort(found)
	for _, name := range listed {
		if _, ok := slices.BinarySearch(found, name); !ok {
			return fault.New(fault.Weights, h.File, "lacks %s, which %s lists for it%s; download both again", shorten(name), x.name, hint(name, found))
		}
	}
	return nil
}
