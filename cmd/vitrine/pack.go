package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"vitrine/engine"
	"vitrine/engine/weights"
)

type packCmd struct {
	Model string `help:"Model folder to pack (${default})." default:"site/models/emoji-clip" placeholder:"DIR"`
	Out   string `short:"o" required:"" help:"Folder to write; it must not contain a model." placeholder:"DIR"`
}

// copiedFiles are the files that are copied unchanged, if they exist.
var copiedFiles = []string{
	"preprocessor_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
	"vocab.json", "merges.txt", "spiece.model", "LICENSE", "README.md",
}

func (c packCmd) Run(ctx context.Context, out io.Writer) error {
	for _, file := range []string{"model.safetensors", "open_clip_model.safetensors"} {
		if _, err := os.Stat(filepath.Join(c.Out, file)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: contains %s already; name another folder", c.Out, file)
		}
	}
	model, err := engine.Pack(ctx, weights.Dir(c.Model))
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := weights.Write(&packed, model.Tensors, map[string]string{"format": "pt"}); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	for _, name := range copiedFiles {
		data, err := os.ReadFile(filepath.Join(c.Model, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(c.Out, name), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(c.Out, model.ConfigFile), model.Config, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.Out, model.WeightsFile), packed.Bytes(), 0o644); err != nil {
		return err
	}
	return c.report(ctx, out, packed.Len())
}

// report prints the size before and after, and the q8 accuracy.
func (c packCmd) report(ctx context.Context, out io.Writer, bytes int) error {
	var models [2]*engine.Model
	for i, folder := range []string{c.Model, c.Out} {
		var err error
		if models[i], err = engine.Load(ctx, weights.Dir(folder), engine.Options{}); err != nil {
			return err
		}
		defer models[i].Close()
	}
	cosine, err := engine.EmbeddingCosine(ctx, models[0], models[1])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %d bytes of weights instead of %d; a picture's embedding has a cosine of %.5f to that of %s\n",
		c.Out, bytes, models[0].Info().Bytes, cosine, c.Model)
	return err
}
