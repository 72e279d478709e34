package weights

import (
	"strings"
	"testing"
)

func TestClosestName(t *testing.T) {
	names := []string{
		"vision_model.pre_layrnorm.weight", "vision_model.pre_layrnorm.bias", "vision_model.post_layernorm.weight",
		"visual_projection.weight", strings.Repeat("x", 1e6),
	}
	for name, want := range map[string]string{
		"vision_model.pre_layernorm.weight": "vision_model.pre_layrnorm.weight",
		"vision_model.pre_layrnorm.bias":    "vision_model.pre_layrnorm.bias",
		"text_projection.weight":            "visual_projection.weight",
		"classifier.bias":                   "",
		"":                                  "",
		strings.Repeat("x", 1e6):            "",
	} {
		if got := ClosestName(name, names); got != want {
			t.Errorf("%.40s: got %.40q, want %q", name, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"kitten", "sitting", 3}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"flaw", "lawn", 2}, {"ab", "ba", 2},
	} {
		if got := distance(c.a, c.b, make([]int, len(c.a)+1), 10); got != c.want {
			t.Errorf("%s, %s: got %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.a, c.b, make([]int, len(c.a)+1), c.want); got < c.want {
			t.Errorf("%s, %s, limit %d: got %d", c.a, c.b, c.want, got)
		}
	}
}
