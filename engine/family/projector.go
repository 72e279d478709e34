package family

import (
	"vitrine/engine/encoder"
	"vitrine/engine/internal/jsonfile"
	"vitrine/engine/kernel"
)

// Projector says how a LLaVA model takes features from its picture tower and carries
// them into its language model (llava/configuration_llava.py).
type Projector struct {
	Prefixes   []string // what the names of its tensors may begin with
	Layers     []int    // of hidden_states, counted from the end where negative
	KeepFirst  bool     // vision_feature_select_strategy "full": the first token is kept
	Activation kernel.Activation
	Bias       bool
	Width      int // of the language model
}

func readProjector(row *modelRow, s section, layers int) *Projector {
	text := s.with(s.get("text_config"))
	p := &Projector{
		Prefixes:   row.projector,
		Activation: s.activation("projector_hidden_act", "gelu"),
		Bias:       s.boolean("multimodal_projector_bias", true),
		Width:      text.integer("hidden_size", 4096, 1, maxWidth),
	}
	switch strategy := s.text("vision_feature_select_strategy", "default"); strategy {
	case "full":
		p.KeepFirst = true
	case "default":
	default:
		s.fail(s.get("vision_feature_select_strategy").Unsupported("found %q, supported are default, full", strategy))
	}
	v := s.get("vision_feature_layer")
	layer := func(v jsonfile.Value) {
		n, err := v.Int()
		if err != nil || n < int64(-layers-1) || n > int64(layers) {
			s.fail(v.Fail("found %s, supported are %d to %d", v.Raw(), -layers-1, layers))
			n = -1
		}
		p.Layers = append(p.Layers, int(n))
	}
	switch {
	case !v.Has():
		p.Layers = []int{-2}
	case v.Kind() == jsonfile.Array:
		_ = v.Elements(func(_ int, e jsonfile.Value) error { layer(e); return nil })
	default:
		layer(v)
	}
	if len(p.Layers) == 0 || len(p.Layers) > layers+1 {
		s.fail(v.Fail("lists %d layers, supported are 1 to %d", len(p.Layers), layers+1))
	}
	return p
}

// LanguageTokens is how many tokens of a language model a picture of a grid costs. The
// projector changes their width, never their number.
func (a *Architecture) LanguageTokens(grid encoder.Grid) int {
	n := a.Vision.Tokens(grid)
	if !a.Projector.KeepFirst { // upstream drops the first token, whether or not it is a class token
		n--
	}
	return n
}
