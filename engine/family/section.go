package family

import (
	"slices"
	"strings"

	"vitrine/engine/internal/jsonfile"
)

// section reads the keys of one part of config.json. Of several objects, the first that has a
// key wins. An absent key gets the default of upstream's config class, which the caller
// passes. The first error is kept and reading goes on, so that a reader is a plain list of
// keys.
type section = *keys // a pointer, because calls of its methods stand all over the package

type keys struct {
	objects []jsonfile.Value
	seen    map[string]bool // keys that were asked for
	err     *error
}

func newSection(object jsonfile.Value) section {
	return &keys{[]jsonfile.Value{object}, map[string]bool{}, new(error)}
}

// with reads other objects, and keeps errors where s does. An absent object has no keys.
func (s section) with(objects ...jsonfile.Value) section {
	for _, object := range objects {
		if object.Has() && object.Kind() != jsonfile.Object {
			s.fail(object.Fail("found %s, want an object", object.Kind()))
		}
	}
	return &keys{objects, map[string]bool{}, s.err}
}

func (s section) get(key string) jsonfile.Value {
	s.seen[key] = true
	for _, object := range s.objects {
		if v := object.Get(key); v.Has() {
			return v
		}
	}
	return s.objects[0].Get(key)
}

func (s section) fail(err error) {
	if *s.err == nil {
		*s.err = err
	}
}

// integer reads a whole number in [low, high].
func (s section) integer(key string, standard, low, high int) int {
	v := s.get(key)
	if !v.Has() {
		return standard
	}
	n, err := v.Int()
	if err == nil && (n < int64(low) || n > int64(high)) {
		err = v.Fail("found %d, supported are %d to %d", n, low, high)
	}
	if err != nil {
		s.fail(err)
		return standard
	}
	return int(n)
}

// number reads a number above low.
func (s section) number(key string, standard, low float64) float64 {
	v := s.get(key)
	if !v.Has() {
		return standard
	}
	x, err := v.Float()
	if err == nil && x <= low {
		err = v.Fail("found %g, want more than %g", x, low)
	}
	if err != nil {
		s.fail(err)
		return standard
	}
	return x
}

func (s section) boolean(key string, standard bool) bool {
	v := s.get(key)
	if !v.Has() {
		return standard
	}
	b, err := v.Bool()
	if err != nil {
		s.fail(err)
		return standard
	}
	return b
}

func (s section) text(key, standard string) string {
	v := s.get(key)
	if !v.Has() {
		return standard
	}
	t, err := v.Text()
	if err != nil {
		s.fail(err)
		return standard
	}
	return t
}

// only refuses every value of a key but the one that is computed here.
func (s section) only(key, supported string) {
	if v := s.get(key); v.Has() {
		if found := strings.Trim(string(v.Raw()), `"`); found != supported {
			s.fail(v.Unsupported("found %s, only %s is supported", found, supported))
		}
	}
}

// knows refuses keys that are not among the words of a text, unless they are null, false or
// "". Upstream's classes don't take them either.
func (s section) knows(keys string) {
	for _, object := range s.objects {
		if object.Kind() != jsonfile.Object {
			continue
		}
		err := object.Each(func(key string, v jsonfile.Value) error {
			raw := string(v.Raw())
			if raw == "null" || raw == "false" || raw == `""` || strings.Contains(" "+keys+" ", " "+key+" ") {
				return nil
			}
			return v.Unsupported("found %.60s; the key is not known here, and may change the numbers", raw)
		})
		if err != nil {
			s.fail(err)
		}
	}
}

// oneOf reads a word that is among those of a text.
func (s section) oneOf(key, standard, supported string) string {
	word := s.text(key, standard)
	if word == "" || !strings.Contains(" "+supported+" ", " "+word+" ") {
		s.refuse(key, "found %q, supported are %s", word, supported)
	}
	return word
}

// refuse fails because of a key.
func (s section) refuse(key, format string, arguments ...any) {
	s.fail(s.get(key).Unsupported(format, arguments...))
}

// side reads the side of a square in pixels: a number, or two equal ones.
func (s section) side(key string, standard int) int {
	height, width := s.sides(key, standard)
	if height != width {
		s.refuse(key, "found %d×%d, only squares are supported", height, width)
	}
	return height
}

// sides reads a size in pixels: a number, [height, width], or [3, height, width].
func (s section) sides(key string, standard int) (height, width int) {
	v := s.get(key)
	if v.Kind() != jsonfile.Array {
		n := s.integer(key, standard, 1, maxSide)
		return n, n
	}
	var sides []int
	_ = v.Elements(func(_ int, e jsonfile.Value) error {
		n, err := e.Int()
		if err != nil || n < 1 || n > maxSide {
			s.fail(e.Fail("found %s, supported are 1 to %d pixels", e.Raw(), maxSide))
			n = 1
		}
		sides = append(sides, int(n))
		return nil
	})
	if len(sides) == 3 && sides[0] == 3 {
		sides = sides[1:]
	}
	if len(sides) != 2 {
		s.fail(v.Fail("found %d numbers, want [height, width]", len(sides)))
		return standard, standard
	}
	return sides[0], sides[1]
}

// strings reads an array of strings, or one string.
func (s section) strings(key string) []string {
	v := s.get(key)
	switch {
	case !v.Has():
		return nil
	case v.Kind() == jsonfile.String:
		return []string{s.text(key, "")}
	case v.Kind() != jsonfile.Array:
		s.fail(v.Fail("found %s, want an array of strings", v.Kind()))
	}
	var all []string
	_ = v.Elements(func(_ int, e jsonfile.Value) error {
		t, err := e.Text()
		if err != nil {
			s.fail(err)
		}
		all = append(all, t)
		return nil
	})
	return slices.Clip(all)
}
