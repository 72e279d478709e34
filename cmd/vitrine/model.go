package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"vitrine/engine"
	"vitrine/engine/pixels"
	"vitrine/engine/pixels/picture"
	"vitrine/engine/weights"
	"vitrine/internal/web"
)

// modelFlags are the flags of all commands that run a model.
type modelFlags struct {
	Model string `help:"Model folder, or its address on the web (${default})." default:"site/models/emoji-clip" placeholder:"MODEL"`
	DType string `name:"dtype" help:"Type of the weights in memory: auto (that of the file: q8 if it is packed, else f32), f32, f16 or q8 (${default})." default:"auto" enum:"auto,f32,f16,q8"`
	JSON  bool   `name:"json" help:"Print JSON, one object a line, with the names of the JavaScript API."`
}

// load loads the model, and prints what is odd in its files to stderr.
func (f modelFlags) load(ctx context.Context) (*engine.Model, error) {
	folder, err := openFolder(f.Model)
	if err != nil {
		return nil, err
	}
	model, err := engine.Load(ctx, folder, engine.Options{DType: f.DType})
	if err != nil {
		return nil, err
	}
	for _, warning := range model.Info().Warnings {
		fmt.Fprintln(os.Stderr, "vitrine: warning: "+warning)
	}
	return model, nil
}

// openFolder gives the folder of a model by its path or its address.
func openFolder(name string) (weights.Folder, error) {
	if web.IsAddress(name) {
		return web.Folder(name)
	}
	if info, err := os.Stat(name); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: is no folder; a model is the folder of config.json and the weights", name)
	}
	return weights.Dir(name), nil
}

// imageFlags are the flags of all commands that take a picture.
type imageFlags struct {
	Size       size `help:"Run at another resolution, HEIGHTxWIDTH pixels." placeholder:"HxW"`
	MaxPatches int  `help:"The largest number of patches, for a NaFlex model." placeholder:"N"`
}

// options returns the flags as options of the engine.
func (f imageFlags) options() engine.ImageOptions {
	return engine.ImageOptions{Size: f.Size, MaxPatches: f.MaxPatches}
}

// open decodes a picture and loads the model; ms is the time of decoding.
func (f modelFlags) open(ctx context.Context, path string) (model *engine.Model, decoded pixels.Image, ms float64, err error) {
	if decoded, ms, err = readPicture(path); err != nil {
		return nil, pixels.Image{}, 0, err
	}
	model, err = f.load(ctx)
	return model, decoded, ms, err
}

// size is [height, width] in pixels, written 224x224.
type size [2]int

// UnmarshalText reads HEIGHTxWIDTH.
func (s *size) UnmarshalText(text []byte) error {
	height, width, _ := strings.Cut(string(text), "x")
	for i, side := range []string{height, width} {
		n, err := strconv.Atoi(side)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is not a size; write height and width in pixels, as in 224x224", text)
		}
		s[i] = n
	}
	return nil
}

// readPicture reads and decodes a PNG or JPEG file; ms is the time of both.
func readPicture(path string) (decoded pixels.Image, ms float64, err error) {
	begin := time.Now()
	data, err := os.ReadFile(path)
	if err != nil {
		return pixels.Image{}, 0, err
	}
	decoded, err = picture.Decode(path, data)
	return decoded, float64(time.Since(begin)) / float64(time.Millisecond), err
}

// printJSON prints value as one line of JSON.
func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// percent formats a fraction as a percentage.
func percent(score float64) string { return strconv.FormatFloat(100*score, 'f', 1, 64) + "%" }
