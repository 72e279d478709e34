package pixels

import (
	"io/fs"
	"math"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

// Config describes how a model preprocesses pictures: preprocessor_config.json or
// processor_config.json, with the defaults of the upstream class for absent keys. ParseConfig makes it and checks
// it; a Config made otherwise is unchecked.
type Config struct {
	Type string // the class of the image processor, as the file names it

	Resize        bool
	Height, Width int // resize to this size, whatever the aspect ratio; 0: by ShortestEdge
	ShortestEdge  int // resize the shorter side to this many pixels and keep the aspect ratio; 0: by Height and Width
	LongestEdge   int // bound on the longer side with ShortestEdge; 0: none
	Fit           Fit // how Height and Width are met
	Filter        Filter
	Float         bool // resize float32 values as torchvision does (DINOv3), not bytes as Pillow does

	CropHeight, CropWidth int     // crop from the centre, padded with Fill if the picture is smaller; 0: no crop
	CropRound             bool    // margins of a half pixel are rounded as torchvision does, not down
	Fill                  [3]byte // red, green, blue

	Rescale   bool
	Factor    float64 // multiplies each byte
	Normalize bool
	Mean, Std [3]float64 // red, green, blue

	NaFlex     bool // keep the aspect ratio; the number of patches varies
	Patch      int  // NaFlex: side of a patch in pixels
	MaxPatches int  // NaFlex: bound on rows·columns
}

// Model is what the meaning of an image processor's file depends on beside the file.
type Model struct {
	Class    string // of the image processor where the file names none
	Unlisted bool   // upstream has no class for such a model

	// Height and Width are image_size in pixels, where upstream refuses pictures of
	// other sizes unless it is asked to interpolate the positions; else 0.
	Height, Width int
}

// Fit is how a picture is resized to Height and Width.
type Fit byte

// The kinds of Fit. Cover and Contain keep the aspect ratio.
const (
	Squash  Fit = iota // to exactly this size
	Cover              // until it covers the size
	Contain            // until the size contains it
)

// Files are the files of a folder that may describe an image processor; nil where a file
// is absent.
type Files struct {
	Preprocessor []byte // preprocessor_config.json
	Processor    []byte // processor_config.json: transformers 5 nests an image_processor in it
}

// ParseConfig reads the description of the image processor: image_processor of
// processor_config.json if it is there, else preprocessor_config.json. The warnings name
// the file and the key of what is odd, and of what one version of upstream computes
// otherwise. Errors have fault.Config if the file is broken or contradicts itself,
// fault.Unsupported if it names an unsupported class, filter or form of size, and
// fault.NotFound with fs.ErrNotExist if no file describes an image processor. Keys that
// upstream's class does not know are ignored, as upstream ignores them; so is
// do_convert_rgb, because pictures always become RGB. docs/checkpoints.md has all rules.
func ParseConfig(m Model, files Files) (Config, []string, error) {
	root, err := parse(processorFile, files.Processor)
	r := reader{root: root.Get("image_processor"), five: true}
	own := err != nil || !r.root.Has()
	var c Config
	switch {
	case own && files.Preprocessor != nil:
		if err != nil { // transformers 4 does not read the file
			r.warnings = append(r.warnings, err.Error()+"; "+preprocessorFile+" is read")
		}
		r.five = false
		r.root, r.err = parse(preprocessorFile, files.Preprocessor)
	case err != nil:
		return c, nil, err
	case own:
		return c, nil, fault.New(fault.NotFound, preprocessorFile, "is absent, and "+processorFile+" has no image_processor: %w", fs.ErrNotExist)
	}
	c = r.config(m)
	if !own && files.Preprocessor != nil && r.err == nil {
		other, _, err := ParseConfig(m, Files{Preprocessor: files.Preprocessor})
		if other.Type = c.Type; err != nil || other != c {
			r.warnings = append(r.warnings, preprocessorFile+": describes other pictures than "+processorFile+"'s image_processor, which is read, as transformers 5 does; transformers 4 reads "+preprocessorFile)
		}
	}
	return c, r.warnings, r.err
}

// config reads all keys.
func (r *reader) config(m Model) (c Config) {
	if r.err == nil && r.root.Kind() != jsonfile.Object {
		r.keep(r.root.Fail("found %s, want an object", r.root.Kind()))
	}
	if r.err != nil {
		return c
	}
	f := r.readClass(m)
	if r.err != nil {
		return c
	}
	r.slow = r.slow && !r.five
	c = f.defaults
	c.Type = r.class
	c.Resize = r.flag("do_resize", true)
	c.Filter = r.filter(c.Filter, f.filters)
	c.Rescale = r.flag("do_rescale", true)
	c.Factor = r.number("rescale_factor", 1.0/255)
	c.Normalize = r.flag("do_normalize", true)
	c.Mean = r.channels("image_mean", c.Mean)
	c.Std = r.channels("image_std", c.Std)
	if c.NaFlex {
		c.Patch = r.count("patch_size", c.Patch, 256)
		c.MaxPatches = r.count("max_num_patches", c.MaxPatches, maxSequence)
	} else {
		r.size(&c, f)
		r.crop(&c, f)
	}
	r.checkKeys(f)
	if r.err == nil {
		r.compareSize(&c, m)
		r.err = c.checkValues(r.root)
	}
	return c
}

// checkValues refuses numbers that give values which are not finite, such as a
// standard deviation of zero.
func (c Config) checkValues(root jsonfile.Value) error {
	table := c.table()
	for channel := range table {
		for _, v := range table[channel] {
			if d := float64(v); math.IsNaN(d) || math.IsInf(d, 0) {
				return root.Fail("rescale_factor %g, image_mean %g and image_std %g give values that are not finite", c.Factor, c.Mean[channel], c.Std[channel])
			}
		}
	}
	return nil
}
