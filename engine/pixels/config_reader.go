package pixels

import (
	"slices"

	"vitrine/engine/internal/jsonfile"
)

// reader reads keys of preprocessor_config.json and keeps the first error.
type reader struct {
	root jsonfile.Value
	slow bool // the class name does not end in "Fast"
	err  error
}

// keep notes err unless an earlier error is noted. It is called all over the package.
//
//go:noinline
func (r *reader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

// flag reads a do_* key; standard is the default. An explicit null is false in
// upstream's slow classes and the default in its fast ones.
func (r *reader) flag(key string, standard bool) bool {
	v := r.root.Get(key)
	switch v.Kind() {
	case jsonfile.Missing:
		return standard
	case jsonfile.Null:
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

// filter reads resample; supported lists the supported filters, nil: all.
func (r *reader) filter(class string, standard Filter, supported []Filter) Filter {
	v := r.root.Get("resample")
	if !v.Has() {
		return standard
	}
	n, err := v.Int()
	switch {
	case err != nil:
		r.keep(err)
		return standard
	case n < 0 || n > 5:
		r.keep(v.Unsupported("found %d; supported: Pillow's 0 nearest, 1 lanczos, 2 bilinear, 3 bicubic, 4 box, 5 hamming", n))
		return standard
	case supported != nil && !slices.Contains(supported, Filter(n)):
		r.keep(v.Unsupported("found %d (%s); %s supports 2 (bilinear) and 3 (bicubic)", n, Filter(n), class))
	}
	return Filter(n)
}

// maxEdge bounds the sides in size and crop_size, in pixels.
const maxEdge = 1 << 12

// size reads the key size: {"height": h, "width": w}, {"shortest_edge": n} if edge
// is true, or in old files a plain number.
func (r *reader) size(c *Config, edge bool) {
	v := r.root.Get("size")
	switch {
	case !v.Has():
	case v.Kind() == jsonfile.Number && edge:
		c.Height, c.Width, c.ShortestEdge = 0, 0, r.whole(v, maxEdge)
		r.require("default_to_square", false)
	case v.Kind() == jsonfile.Number:
		c.Height = r.whole(v, maxEdge)
		c.Width, c.ShortestEdge = c.Height, 0
		r.require("default_to_square", true)
	case hasExactly(v, "height", "width"):
		c.Height, c.Width, c.ShortestEdge = r.whole(v.Get("height"), maxEdge), r.whole(v.Get("width"), maxEdge), 0
	case edge && hasExactly(v, "shortest_edge"):
		c.Height, c.Width, c.ShortestEdge = 0, 0, r.whole(v.Get("shortest_edge"), maxEdge)
	case edge:
		r.keep(v.Unsupported(`found %.80s; supported: {"shortest_edge": n}, {"height": h, "width": w} and n`, v.Raw()))
	default:
		r.keep(v.Unsupported(`found %.80s; %s supports {"height": h, "width": w} and n`, v.Raw(), c.Type))
	}
}

// crop reads crop_size: {"height": h, "width": w}, or a plain number.
func (r *reader) crop(c *Config) {
	v := r.root.Get("crop_size")
	switch {
	case !v.Has():
	case v.Kind() == jsonfile.Number:
		c.CropHeight = r.whole(v, maxEdge)
		c.CropWidth = c.CropHeight
	case hasExactly(v, "height", "width"):
		c.CropHeight, c.CropWidth = r.whole(v.Get("height"), maxEdge), r.whole(v.Get("width"), maxEdge)
	default:
		r.keep(v.Unsupported(`found %.80s; supported: {"height": h, "width": w} and n`, v.Raw()))
	}
}

// hasExactly reports whether v is an object with these keys and no others.
func hasExactly(v jsonfile.Value, keys ...string) bool {
	n := 0
	_ = v.Each(func(key string, _ jsonfile.Value) error {
		n++
		if !slices.Contains(keys, key) {
			n = len(keys) + 1
		}
		return nil
	})
	return n == len(keys)
}

// require refuses a key whose value is not the supported one; an absent key is
// accepted.
func (r *reader) require(key string, supported bool) {
	v := r.root.Get(key)
	if v.Kind() == jsonfile.Bool && r.flag(key, supported) != supported {
		r.keep(v.Unsupported("found %v; supported: %v", !supported, supported))
	}
}

// requireKnown refuses keys that change the result in some versions of upstream.
func (r *reader) requireKnown() {
	r.require("do_pad", false)
	r.require("use_square_size", false)
	if v := r.root.Get("data_format"); v.Has() {
		if s, err := v.Text(); err != nil || s != "channels_first" {
			r.keep(v.Unsupported(`found %.40s; supported: "channels_first"`, v.Raw()))
		}
	}
}
