package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"vitrine/engine/family"
	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
	"vitrine/engine/weights"
)

// This file finds a model in a folder. transformers' and timm's layouts have config.json,
// open_clip's has open_clip_config.json, and sentence-transformers' has modules.json, which
// names a folder inside.

// openCLIPWeights are the files that open_clip looks for (open_clip/constants.py), and what
// the hub's bot made of the second.
var openCLIPWeights = []string{"open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin"}

// readConfig reads the file that describes the model, and moves to the folder that has it.
func (l *loader) readConfig() error {
	const config = "config.json"
	data, err := l.small(config)
	if err == nil {
		return l.parse(data, family.Parse)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	first := err
	if data, err = l.small(family.OpenCLIPFile); err == nil {
		return l.parse(data, family.ParseOpenCLIP)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	data, err = l.small("modules.json")
	if weights.Denied(first) && errors.Is(err, fs.ErrNotExist) {
		return first
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, l.folder.Name(), "has no config.json, and no %s or modules.json either%s; name a folder laid out as on Hugging Face: %w", family.OpenCLIPFile, weights.Others(l.ctx, l.folder), err)
	}
	if err != nil {
		return err
	}
	sub, err := parseModules(data)
	if err != nil {
		return err
	}
	l.folder, l.inside = weights.Subfolder(l.folder, sub), sub
	if data, err = l.small(config); err != nil {
		return err
	}
	return l.parse(data, family.Parse)
}

// small reads a small file.
func (l *loader) small(name string) ([]byte, error) {
	return weights.ReadFile(l.ctx, l.folder, name, fault.Config, maxConfigBytes)
}

// parse reads the architecture out of a file.
func (l *loader) parse(data []byte, read func([]byte) (*family.Architecture, error)) (err error) {
	if l.arch, err = read(data); err != nil {
		return err
	}
	l.config = data
	if l.arch.Packed {
		if l.dtype, err = l.options.packedDType(); err != nil {
			return err
		}
	}
	return nil
}

// parseModules reads modules.json of sentence-transformers, and gives the folder of its
// CLIPModel.
func parseModules(data []byte) (folder string, err error) {
	root, err := jsonfile.Parse("modules.json", fault.Config, data)
	if err != nil {
		return "", err
	}
	err = root.Elements(func(_ int, v jsonfile.Value) error {
		kind, err := v.Get("type").Text()
		switch {
		case err != nil:
		case folder == "" && strings.HasSuffix(kind, ".CLIPModel"):
			folder, err = v.Get("path").Text()
			if err == nil && (folder == "" || !plainPath(folder)) {
				err = v.Get("path").Fail("found %.60q, want the name of a folder inside", folder)
			}
		case folder == "" || !strings.HasSuffix(kind, ".Normalize"): // embeddings have length 1 unless a call asks otherwise
			err = v.Get("type").Unsupported("found %.100q; supported are sentence_transformers.models.CLIPModel, and Normalize behind it", kind)
		}
		return err
	})
	if err == nil && folder == "" {
		err = root.Unsupported("lists no module of the type sentence_transformers.models.CLIPModel, the only one that is supported")
	}
	return folder, err
}

// plainPath tells whether a path has letters, digits, dashes and underscores only, with
// slashes and dots between them.
func plainPath(path string) bool {
	letter := false
	for _, r := range path {
		was := letter
		letter = r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' || r == '_'
		if !letter && (!was || r != '/' && r != '.') {
			return false
		}
	}
	return letter && len(path) <= 200
}

// firstRound is the folder in which the weights of transformers' layout are looked for
// while config.json is read. model.safetensors is opened at once; other files wait until the
// layout is known, and are absent where it is another.
type firstRound struct {
	weights.Folder
	located chan struct{} // closed when readConfig has ended
	moved   *bool         // the model is elsewhere, or in another layout; valid then
}

// Unwrap gives the folder itself.
func (f firstRound) Unwrap() weights.Folder { return f.Folder }

func (f firstRound) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	if name != "model.safetensors" {
		select {
		case <-f.located:
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		}
		if *f.moved {
			return nil, 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
	}
	return f.Folder.Open(ctx, name)
}

// verified is the folder with the hash that was asked for.
func (l *loader) verified(f weights.Folder) (weights.Folder, error) {
	if l.options.Integrity == "" {
		return f, nil
	}
	sum, err := weights.ParseSHA256(l.options.Integrity)
	sums := map[string][sha256.Size]byte{}
	for _, names := range [][]string{weights.Files, openCLIPWeights} { // of which one is read
		for _, name := range names {
			if !strings.HasSuffix(name, ".json") {
				sums[name] = sum
			}
		}
	}
	return weights.Verified(f, sums), err
}

// openWeights opens the weights of the layout that was found.
func (l *loader) openWeights() (err error) {
	folder, err := l.verified(l.folder)
	if err != nil {
		return err
	}
	if l.arch.Layout == family.OpenCLIP {
		l.checkpoint, err = weights.Open(l.ctx, folder, openCLIPWeights...)
	} else {
		l.checkpoint, err = weights.Open(l.ctx, folder)
	}
	return err
}

// preferOpenCLIP changes to open_clip's layout where the folder has that too: LAION's
// folders have both, some without transformers' weights, and timm's may have the picture
// tower's config.json beside both towers' weights.
func (l *loader) preferOpenCLIP() (bool, error) {
	data, err := l.small(family.OpenCLIPFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if l.text != nil {
		l.text.reading.Wait()
		*l.text = textReader{}
	}
	return true, l.parse(data, family.ParseOpenCLIP)
}

// packedNames are the names under which a packed form of the model keeps its configuration
// and weights.
func (l *loader) packedNames() (config, file string) {
	if l.arch.Layout == family.OpenCLIP {
		return family.OpenCLIPFile, openCLIPWeights[0]
	}
	return "config.json", "model.safetensors"
}
