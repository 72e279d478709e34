package weights

import (
	"bytes"
	"errors"
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
