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
)

// modelFlags are common to all commands that run a model.
type modelFlags struct {
	Model string `help:"Model folder (${default})." default:"site/models/emoji-clip" placeholder:"DIR"`
	DType string `name:"dtype" help:"How weights are kept: auto, as the file has them (f32, or q8 where it is packed), f32, f16 or q8 (${default})." default:"auto" enum:"auto,f32,f16,q8"`
	JSON  bool   `name:"json" help:"Print JSON, an object a line, with the names of the JavaScript face."`
}

func (f modelFlags) load(ctx context.Context) (*engine.Model, error) {
	return engine.Load(ctx, weights.Dir(f.Model), engine.Options{DType: f.DType})
}

// imageFlags are common to all commands that take a picture.
type imageFlags struct {
	Size       size `help:"Run at another resolution, HEIGHTxWIDTH pixels." placeholder:"HxW"`
	MaxPatches int  `help:"The most patches of a NaFlex model." placeholder:"N"`
}

func (f imageFlags) options() engine.ImageOptions {
	return engine.ImageOptions{Size: f.Size, MaxPatches: f.MaxPatches}
}

// open decodes a picture, in so many milliseconds, and loads the model.
func (f modelFlags) open(ctx context.Context, path string) (model *engine.Model, decoded pixels.Image, ms float64, err error) {
	if decoded, ms, err = readPicture(path); err != nil {
		return nil, pixels.Image{}, 0, err
	}
	model, err = f.load(ctx)
	return model, decoded, ms, err
}

// size is [height, width] in pixels, written 224x224.
type size [2]int

func (s *size) UnmarshalText(text []byte) error {
	height, width, _ := strings.Cut(string(text), "x")
	for i, side := range []string{height, width} {
		n, err := strconv.Atoi(side)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no size; write height and width in pixels, 224x224", text)
		}
		s[i] = n
	}
	return nil
}

// readPicture reads and decodes a file, and tells the milliseconds that took.
func readPicture(path string) (decoded pixels.Image, ms float64, err error) {
	begin := time.Now()
	data, err := os.ReadFile(path)
	if err != nil {
		return pixels.Image{}, 0, err
	}
	decoded, err = picture.Decode(path, data)
	return decoded, float64(time.Since(begin)) / float64(time.Millisecond), err
}

// printJSON prints one line.
func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// percent writes a score for people.
func percent(score float64) string { return strconv.FormatFloat(100*score, 'f', 1, 64) + "%" }
