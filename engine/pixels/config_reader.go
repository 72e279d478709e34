package pixels

import (
	"slices"

	"vitrine/engine/internal/jsonfile"
)

// reader reads keys one after the other and keeps the first error.
type reader struct {
	root jsonfile.Value
	slow bool // one of upstream's processors without "Fast"
	err  error
}

func (r *reader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

// flag reads a do_* key. An explicit null is false in upstream's slow classes
// and the default in its fast ones.
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

func (r *reader) number(key string, standard float64) float64 {
	v := r.root.Get(key)
	if !v.Has() {
		return standard
	}
	f, err := v.Float()
	r.keep(err)
	return f
}

func (r *reader) count(key string, standard, most int) int {
	v := r.root.Get(key)
	if !v.Has() {
		return standard
	}
	return r.whole(v, most)
}

func (r *reader) whole(v jsonfile.Value, most int) int {
	n, err := v.Int()
	if err == nil && (n < 1 || n > int64(most)) {
		err = v.Unsupported("found %d, want 1 to %d", n, most)
	}
	r.keep(err)
	return int(n)
}

// channels reads three numbers, or one that stands for all three.
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
		r.keep(v.Fail("found %.60s, want three numbers: red, green, blue", v.Raw()))
	}
	return three
}

func (r *reader) filter(standard Filter, supported []Filter) Filter {
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
		r.keep(v.Unsupported("found %d; supported are Pillow's 0 nearest, 1 lanczos, 2 bilinear, 3 bicubic, 4 box, 5 hamming", n))
		return standard
	case supported != nil && !slices.Contains(supported, Filter(n)):
		r.keep(v.Unsupported("found %d (%s); for resizing floats 2 (bilinear) and 3 (bicubic) are supported", n, Filter(n)))
	}
	return Filter(n)
}

// maxEdge bounds the sides that a file may ask for.
const maxEdge = 1 << 12

// size reads the key of that name: {"height", "width"}, {"shortest_edge"}, or
// the plain number of old files.
func (r *reader) size(c *Config, edge bool) {
	v := r.root.Get("size")
	switch {
	case !v.Has():
	case v.Kind() == jsonfile.Number && edge:
		c.Height, c.Width, c.ShortestEdge = 0, 0, r.whole(v, maxEdge)
		r.agree("default_to_square", false)
	case v.Kind() == jsonfile.Number:
		c.Height = r.whole(v, maxEdge)
		c.Width, c.ShortestEdge = c.Height, 0
		r.agree("default_to_square", true)
	case only(v, "height", "width"):
		c.Height, c.Width, c.ShortestEdge = r.whole(v.Get("height"), maxEdge), r.whole(v.Get("width"), maxEdge), 0
	case edge && only(v, "shortest_edge"):
		c.Height, c.Width, c.ShortestEdge = 0, 0, r.whole(v.Get("shortest_edge"), maxEdge)
	case edge:
		r.keep(v.Unsupported(`found %.80s; supported are {"shortest_edge": n}, {"height": h, "width": w} and n`, v.Raw()))
	default:
		r.keep(v.Unsupported(`found %.80s; %s has {"height": h, "width": w} and n`, v.Raw(), c.Type))
	}
}

// crop reads crop_size.
func (r *reader) crop(c *Config) {
	v := r.root.Get("crop_size")
	switch {
	case !v.Has():
	case v.Kind() == jsonfile.Number:
		c.CropHeight = r.whole(v, maxEdge)
		c.CropWidth = c.CropHeight
	case only(v, "height", "width"):
		c.CropHeight, c.CropWidth = r.whole(v.Get("height"), maxEdge), r.whole(v.Get("width"), maxEdge)
	default:
		r.keep(v.Unsupported(`found %.80s; supported are {"height": h, "width": w} and n`, v.Raw()))
	}
}

// only tells whether v is an object with just these keys.
func only(v jsonfile.Value, keys ...string) bool {
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

// agree refuses a key that says other than what is done here.
func (r *reader) agree(key string, done bool) {
	v := r.root.Get(key)
	if v.Kind() == jsonfile.Bool && r.flag(key, done) != done {
		r.keep(v.Unsupported("found %v; %v is supported", !done, done))
	}
}

// refuse looks for keys that change what some versions of the classes compute.
func (r *reader) refuse() {
	r.agree("do_pad", false)
	r.agree("use_square_size", false)
	if v := r.root.Get("data_format"); v.Has() {
		if s, err := v.Text(); err != nil || s != "channels_first" {
			r.keep(v.Unsupported(`found %.40s; "channels_first" is supported`, v.Raw()))
		}
	}
}
