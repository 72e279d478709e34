package weights

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// errHTML marks a file for which the host sent an HTML page.
var errHTML = errors.New("holds an HTML page, not weights; check the URL of the model")

// foreignFormats are what other files than weights begin with.
var foreignFormats = []struct {
	start string
	err   error
}{
	{"<", errHTML},
	{"version ", errors.New("holds a Git LFS pointer, not the weights; download the file itself (git lfs pull)")},
	{"GGUF", errors.New("holds GGUF, not the weights of a Hugging Face folder; take model.safetensors or pytorch_model.bin")},
	{"\x89HDF", errors.New("holds HDF5, as TensorFlow writes it; convert it to safetensors")},
	{"\x1f\x8b", errors.New("holds a gzip archive; unpack it")},
}

// foreign tells by the first bytes what a file is that holds no weights, nil where it
// doesn't know.
func foreign(start []byte) error {
	text := bytes.TrimLeft(start, "\xef\xbb\xbf \t\r\n")
	for _, f := range foreignFormats {
		if bytes.HasPrefix(text, []byte(f.start)) {
			return f.err
		}
	}
	switch {
	case len(start) > 2 && start[0] == 8 && start[2] == 0x12: // its IR version, its producer
		return errors.New("holds an ONNX model, not weights; take the repository's model.safetensors or pytorch_model.bin")
	case bytes.HasPrefix(start, []byte(zipMember)):
		return errors.New("holds a zip archive, as torch.save writes it; name it pytorch_model.bin")
	}
	return nil
}

// otherFormats are the ends of names of weights that Vitrine does not read.
var otherFormats = []struct{ end, what string }{
	{".h5", "TensorFlow's weights"}, {".msgpack", "Flax's weights"}, {".onnx", "an ONNX model"}, {"onnx", "ONNX models"},
	{".gguf", "a GGUF file"}, {".npz", "JAX's weights"}, {".ckpt", "a checkpoint of a training"}, {".pt", "a checkpoint of a training"},
	{".pth", "a checkpoint of a training"}, {".bin", "a PyTorch file of another name"}, {safetensors, "a safetensors file of another name"},
}

// otherWeights is the end of a message about a folder without weights: what it has in
// their place, where the folder can be listed, and what to do.
func otherWeights(f Folder) string {
	if v, ok := f.(verified); ok {
		f = v.Folder
	}
	found, left := "", 5
	if lister, ok := f.(interface{ list() []string }); ok {
		for _, name := range lister.list() {
			for _, o := range otherFormats {
				if strings.HasSuffix(name, o.end) && left > 0 {
					left--
					found += fmt.Sprintf(", %.100s (%s)", name, o.what)
					break
				}
			}
		}
	}
	if found == "" {
		return "; weights in another format must be converted to safetensors"
	}
	return "; it has" + found[1:] + "; weights in another format must be converted to safetensors"
}
