package pixels

import (
	"fmt"
	"slices"
	"strings"

	"vitrine/engine/internal/jsonfile"
)

// reader reads the keys of an image processor, and keeps the first error and all
// warnings.
type reader struct {
	root     jsonfile.Value
	class    string // name of the class
	slow     bool   // one of transformers 4's own classes; the others share their steps
	five     bool   // transformers 5 wrote the file
	warnings []string
	err      error
}

// keep notes err unless an earlier error is noted. It is called all over the package.
//
//go:noinline
func (r *reader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

// warn notes something odd about a key.
func (r *reader) warn(key, what string) {
	r.warnings = append(r.warnings, r.root.Get(key).Where()+": "+what)
}

// refuse notes that the value of a key is not supported.
func (r *reader) refuse(key, what string) {
	v := r.root.Get(key)
	if v.Has() {
		r.keep(v.Unsupported("found %.80s; %s", v.Raw(), what))
	} else {
		r.keep(v.Unsupported("is missing; %s", what))
	}
}

// has tells whether a key is there and not null. It, isTrue and keep are called in so
// many places that inlining would only make the download larger.
//
//go:noinline
func (r *reader) has(key string) bool { return r.root.Get(key).Has() }

// isTrue tells whether a key is true.
//
//go:noinline
func (r *reader) isTrue(key string) bool { return string(r.root.Get(key).Raw()) == "true" }

// flag reads a do_* key; standard is the default. An explicit null is false in
// transformers 4's own classes and the default in the others.
func (r *reader) flag(key string, standard bool) bool {
	v := r.root.Get(key)
	switch v.Kind() {
	case jsonfile.Missing:
		return standard
	case jsonfile.Null:
		if r.slow && standard {
			r.warn(key, "is null, so "+r.class+" of transformers 4 leaves the step out, and so it is here; transformers 5 takes true")
		}
		return standard && !r.slow
	}
	b, err := v.Bool()
	r.keep(err)
	return b
}

// number reads a number.
func (r *reader) number(key string, standard float64) float64 {
	v := r.root.Get(key)
	if !v.Has() {
		return standard
	}
	f, err := v.Float()
	r.keep(err)
	return f
}

// count reads a whole number from 1 to most.
func (r *reader) count(key string, standard, most int) int {
	v := r.root.Get(key)
	if !v.Has() {
		return standard
	}
	return r.whole(v, most)
}

// whole reads v as a whole number from 1 to most.
func (r *reader) whole(v jsonfile.Value, most int) int {
	n, err := v.Int()
	if err == nil && (n < 1 || n > int64(most)) {
		err = v.Unsupported("found %d, want 1 to %d", n, most)
	}
	r.keep(err)
	return int(n)
}

// channels reads three numbers, or one number for all three channels.
func (r *reader) channels(key string, standard [3]float64) [3]float64 {
	v := r.root.Get(key)
	if !v.Has() {
		return standard
	}
	if v.Kind() == jsonfile.Number {
		f, err := v.Float()
		r.keep(err)
		return [3]float64{f, f, f}
	}
	var three [3]float64
	n := 0
	r.keep(v.Elements(func(i int, e jsonfile.Value) (err error) {
		if n = i + 1; n <= 3 {
			three[i], err = e.Float()
		}
		return err
	}))
	if n != 3 {
		r.keep(v.Fail("found %.60s, want three numbers, for red, green and blue", v.Raw()))
	}
	return three
}

// filter reads resample, a number of Pillow's or a name such as "bicubic" or
// "PILImageResampling.BICUBIC"; supported lists the supported filters, nil: all.
func (r *reader) filter(standard Filter, supported []Filter) Filter {
	v := r.root.Get("resample")
	if !v.Has() {
		return standard
	}
	number, err := v.Int()
	name, _ := v.Text()
	name = strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	for f := Nearest; f <= Hamming; f++ {
		if (name == f.String() || err == nil && number == int64(f)) && (supported == nil || slices.Contains(supported, f)) {
			return f
		}
	}
	r.refuse("resample", "supported: Pillow's 0 nearest, 1 lanczos, 2 bilinear, 3 bicubic, 4 box, 5 hamming; by DINOv3's processor 2 and 3")
	return standard
}

// maxEdge bounds the sides in size and crop_size, in pixels.
const maxEdge = 1 << 12

// edges are the keys of a size.
type edges struct{ height, width, shortest, longest int }

// edges reads size or crop_size: a number, [height, width], or an object whose null
// values count as absent. A number is a square or the shorter side.
func (r *reader) edges(key string, square bool) (e edges) {
	v, n := r.root.Get(key), 0
	take := func(key string, side jsonfile.Value) error {
		if !side.Has() {
			return nil
		}
		to := &n
		switch key {
		case "height":
			to = &e.height
		case "width":
			to = &e.width
		case "shortest_edge":
			to = &e.shortest
		case "longest_edge":
			to = &e.longest
		}
		*to = r.whole(side, maxEdge)
		return nil
	}
	if v.Kind() == jsonfile.Number {
		if e.shortest = r.whole(v, maxEdge); square {
			e = edges{height: e.shortest, width: e.shortest}
		}
		return e
	}
	_ = v.Each(take)
	_ = v.Elements(func(i int, side jsonfile.Value) error {
		names := [...]string{"height", "width", "more"}
		return take(names[min(i, 2)], side)
	})
	if n == 0 && (e.height > 0 && e.width > 0 && e.shortest+e.longest == 0 || e.shortest > 0 && e.height+e.width == 0) {
		return e
	}
	r.refuse(key, `supported: n, [height, width], {"height": h, "width": w}, and for size {"shortest_edge": n} with or without "longest_edge"`)
	return edges{height: 1, width: 1}
}

// size reads the key size (get_size_dict in upstream's image_processing_utils.py).
func (r *reader) size(c *Config, f *family) {
	square := f.square
	if to := r.flag("default_to_square", square); to != square {
		if r.slow {
			r.warn("default_to_square", "is ignored, as "+r.class+" of transformers 4 ignores it")
		} else {
			square = to
		}
	}
	if r.has("size") {
		e := r.edges("size", square)
		if e.longest > 0 && r.slow && f.crop && !f.square {
			r.warn("size", "longest_edge is ignored, as "+r.class+" of transformers 4 ignores it; transformers 5 bounds the longer side")
			e.longest = 0
		}
		c.Height, c.Width, c.ShortestEdge, c.LongestEdge = e.height, e.width, e.shortest, e.longest
	}
	if f.convNext {
		r.convNext(c)
	}
}

// convNext makes a resize and a crop of size and crop_pct (ConvNextImageProcessor.resize
// in upstream's image_processing_convnext.py): below 384 the picture keeps its aspect
// ratio and its margin is cut off, from 384 on it is squashed.
func (r *reader) convNext(c *Config) {
	edge, larger := c.ShortestEdge, float64(c.ShortestEdge)/r.number("crop_pct", 224.0/256)
	switch {
	case edge == 0 || c.LongestEdge > 0:
		r.refuse("size", `ConvNext's processor supports n and {"shortest_edge": n}`)
	case edge >= 384:
		c.Height, c.Width, c.ShortestEdge = edge, edge, 0
	case !(larger >= 1 && larger <= maxEdge):
		r.refuse("crop_pct", "the shorter side divided by it must be from 1 to 4096 pixels")
	case c.Resize:
		c.ShortestEdge, c.CropHeight, c.CropWidth = int(larger), edge, edge
	}
}

// crop reads do_center_crop and crop_size.
func (r *reader) crop(c *Config, f *family) {
	const key = "do_center_crop"
	do := r.flag(key, f.crop)
	switch {
	case do && r.slow && !f.crop:
		r.warn(key, "is true, but "+r.class+" of transformers 4 does not crop, and so it is here; transformers 5 does")
	case do && f.convNext:
		r.refuse(key, "ConvNext's processor crops by crop_pct")
	case do && r.has("crop_size"):
		e := r.edges("crop_size", true)
		c.CropHeight, c.CropWidth = e.height, e.width
		if e.height == 0 {
			r.refuse("crop_size", `supported: n, [height, width] and {"height": h, "width": w}`)
		}
	case do && c.CropHeight == 0:
		r.refuse("crop_size", "do_center_crop is true, so write the height and width of the crop")
	case !do && !f.convNext:
		c.CropHeight, c.CropWidth = 0, 0
	}
}

// checkKeys refuses keys that change the picture in a way that is not supported, and
// warns of those that upstream's class ignores although they look like a step of it.
func (r *reader) checkKeys(f *family) {
	if f.pads && r.isTrue("do_pad") {
		r.refuse("do_pad", "which makes each picture a square first, is not supported")
	}
	if r.isTrue("use_square_size") {
		r.refuse("use_square_size", "supported: false")
	}
	if r.has("pad_size") && r.isTrue("do_pad") && !r.slow {
		r.refuse("pad_size", "pictures are not padded; supported: null")
	}
	if v := r.root.Get("data_format"); v.Has() && !r.slow && string(v.Raw()) != `"channels_first"` {
		r.refuse("data_format", `supported: "channels_first"`)
	}
	_ = r.root.Each(func(key string, v jsonfile.Value) error {
		switch key {
		case "do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb", "do_pad":
			return nil
		}
		if strings.HasPrefix(key, "do_") && r.isTrue(key) ||
			v.Has() && (key == "crop_pct" && !f.convNext || key == "input_data_format" && !r.slow || key == "pad_size" && r.slow && r.isTrue("do_pad")) {
			r.warn(key, "is ignored; it is no step of "+r.class+" here")
		} else if v.Has() && !strings.HasPrefix(key, "do_") && !strings.Contains(knownKeys, " "+key+" ") {
			r.warn(key, "is not known here and is ignored")
		}
		return nil
	})
}

// knownKeys are the keys that a class reads, or that change nothing in the picture, with
// spaces around them.
const knownKeys = " image_processor_type feature_extractor_type processor_class auto_map size crop_size default_to_square resample rescale_factor" +
	" image_mean image_std crop_pct patch_size max_num_patches data_format input_data_format pad_size use_square_size" +
	" use_fast device return_tensors disable_grouping transformers_version image_seq_length num_additional_image_tokens" +
	" _name_or_path _commit_hash _processor_class _valid_processor_keys "

// compareSize warns where the pictures have another size than the model was trained on.
func (r *reader) compareSize(c *Config, m Model) {
	if m.Height == 0 || c.NaFlex {
		return
	}
	key, height, width := "size", c.Height, c.Width
	switch {
	case c.CropHeight > 0:
		key, height, width = "crop_size", c.CropHeight, c.CropWidth
	case !c.Resize:
		key, height = "do_resize", 0
	}
	if height == m.Height && width == m.Width {
		return
	}
	what := fmt.Sprintf("makes pictures of %d×%d pixels", height, width)
	if height == 0 {
		what = "leaves pictures their shape"
	}
	r.warn(key, fmt.Sprintf("%s, but config.json's image_size is %d×%d; positions are interpolated, which upstream refuses unless interpolate_pos_encoding is set", what, m.Height, m.Width))
}
