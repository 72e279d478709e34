// Package family reads config.json into an Architecture: which towers a model has, of
// which sizes, what their tensors are called, and what a picture costs.
//
// A family of models is a row of data (rows.go), not a fork of the code. Nothing outside
// this package compares model_type, class names or the keys of config.json.
package family

import (
	"fmt"
	"slices"
	"strings"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
	"vitrine/engine/score"
)

// Bounds on what a config.json may ask for: above every published model, below
// what would let a small file claim a large memory.
const (
	maxWidth      = 8192
	maxHidden     = 32768
	maxLayers     = 256
	maxVocabulary = 1 << 20
	maxSide       = 4096
	maxTokens     = 1 << 16
)

// Architecture is config.json, read and checked; Resolve completes it.
type Architecture struct {
	File      string // that says so: "config.json", "open_clip_config.json"
	Layout    Layout
	Name      string // architectures[0], "CLIPModel", or ""
	ModelType string // model_type, "clip"; "open_clip" or "timm" in their layouts
	Packed    bool   // the weights are int8 (packed.go)
	Strict    bool   // a tensor that nothing reads is an error, as it is upstream

	Vision     *Vision     // or nil: texts alone
	Text       *Text       // or nil
	Classifier *Classifier // or nil
	Projector  *Projector  // into a language model, or nil

	Pictures *pixels.Config // how pictures are prepared, where File says it too; else nil

	LogitScale string       // name of the tensor that scales cosines to logits, or ""
	LogitBias  string       // name of the tensor that is added to logits, or ""
	Method     score.Method // how rank's scores are made of logits; "" without two towers

	Unread []string // what names of tensors begin or end with that upstream's class reads no number from

	Warnings []string // what is odd in the files but doesn't keep the model from running

	row    *modelRow
	labels Classifier // as config.json has it, whether or not there is a classifier
}

// Layout is whose layout of files a folder has.
type Layout byte

// The layouts.
const (
	Transformers Layout = iota
	OpenCLIP
	Timm
)

// Warn notes something odd that a reader of the files should know. The sentence begins
// with the file and the key.
func (a *Architecture) Warn(file, key, format string, arguments ...any) {
	a.Warnings = append(a.Warnings, file+": "+key+": "+fmt.Sprintf(format, arguments...))
}

// Title is what messages call the model: its class, else its model_type.
func (a *Architecture) Title() string {
	if a.Name != "" {
		return a.Name
	}
	return a.ModelType
}

const configFile = "config.json"

// Parse reads config.json, in transformers' layout or in timm's. What it leaves open is
// decided by Resolve.
func Parse(data []byte) (*Architecture, error) {
	root, err := jsonfile.Parse(configFile, fault.Config, data)
	if err != nil {
		return nil, err
	}
	if root.Kind() != jsonfile.Object {
		return nil, root.Fail("found %s, want an object", root.Kind())
	}
	s := newSection(root)
	if modelType := s.text("model_type", timmWrapper); root.Get("architecture").Has() && modelType == timmWrapper {
		return parseTimm(root, s)
	}
	row, err := findModel(root, s.text("model_type", ""))
	if err != nil {
		return nil, err
	}
	a := &Architecture{File: configFile, ModelType: row.modelType, Packed: readPacked(root, s), row: row}
	if names := s.strings("architectures"); len(names) > 0 {
		a.Name = names[0]
	}
	a.checkClass(root)
	if row.classifier != "" {
		a.labels.Labels = a.readLabels(s)
		a.labels.Method = a.readMethod(s, a.labels.Count)
	} else if a.classifies() {
		return nil, root.Get("architectures").Unsupported("found %q; no classifier of this family is known here", a.Name)
	}
	vision, text := s, s
	if row.nested() {
		vision, text = a.tower(s, "vision_config"), a.tower(s, "text_config")
		if v := root.Get("open_clip_model_name"); v.Has() && !vision.objects[0].Has() {
			return nil, v.Unsupported("names a model of open_clip (%.80s), and there is no vision_config; supported are files of transformers, and open_clip's own open_clip_config.json", v.Raw())
		}
	}
	if row.vision != "" {
		if err := a.readVision(row, vision); err != nil {
			return nil, err
		}
	}
	if row.text != "" && !a.classifies() {
		f := &textRows[slices.IndexFunc(textRows, func(t textRow) bool { return t.modelType == row.text })]
		a.Text = f.read(text)
	}
	a.readProjections(s, vision, text)
	if row.projector != nil {
		a.Projector = readProjector(row, s, a.Vision.Layers)
	}
	a.warnUnknown(s)
	if row.nested() {
		a.warnUnknown(vision)
		if a.Text != nil {
			a.warnUnknown(text)
		}
	}
	return a, *s.err
}

// classifies tells whether the class is one of …ForImageClassification.
func (a *Architecture) classifies() bool { return strings.Contains(a.Name, "ForImageClassification") }

// checkClass warns of code of a repository's own, which upstream doesn't run unasked
// either where it knows the model_type (dynamic_module_utils.py, resolve_trust_remote_code).
func (a *Architecture) checkClass(root jsonfile.Value) {
	switch {
	case root.Get("auto_map").Has():
		a.Warn("config.json", "auto_map", "names code of the repository's own, which is not run; the model is computed as transformers' %s", a.row.class)
	case a.Name != "" && !strings.HasPrefix(a.Name, a.row.class):
		a.Warn("config.json", "architectures", "%q is no class of transformers' %s and is ignored; model_type and the tensors count", a.Name, a.row.class)
	}
}

// tower gives the part of config.json about a tower. A legacy "…_dict" replaces all of it:
// upstream fills in the dict's absent keys with defaults before it overwrites the other
// (clip/configuration_clip.py).
func (a *Architecture) tower(s section, key string) section {
	v := s.get(key)
	if a.row.dicts {
		if old := s.get(key + "_dict"); old.Has() {
			v = old
		}
	}
	return s.with(v)
}

// readProjections reads the width of the joint space of CLIP's towers: projection_dim of
// the root, or the tower's own where it stands alone.
func (a *Architecture) readProjections(s, vision, text section) {
	const key = "projection_dim"
	joint := s.integer(key, 512, 1, maxWidth)
	if v := a.Vision; v != nil && a.row.projection != "" {
		v.Projection = a.row.projection
		v.Embedding, v.alone = joint, vision.integer(key, joint, 1, maxWidth)
	}
	if t := a.Text; t != nil {
		if t.alone = t.Embedding; t.row.project != "" {
			t.Embedding, t.alone = joint, text.integer(key, joint, 1, maxWidth)
		}
	}
}

// findModel finds the row of a model_type.
func findModel(root jsonfile.Value, modelType string) (*modelRow, error) {
	var names []string
	for i := range modelRows {
		if modelRows[i].modelType == modelType {
			return &modelRows[i], nil
		}
		names = append(names, modelRows[i].modelType)
	}
	v := root.Get("model_type")
	if !v.Has() {
		return nil, v.Fail("is missing; supported are %s", strings.Join(names, ", "))
	}
	own := ""
	if root.Get("auto_map").Has() {
		own = ", which needs code of the repository's own (auto_map)"
	}
	return nil, v.Unsupported("found %q%s; supported are %s", modelType, own, strings.Join(names, ", "))
}

// readVision reads the picture tower's part of config.json.
func (a *Architecture) readVision(row *modelRow, s section) error {
	modelType := row.vision
	if row.towers != nil {
		modelType = s.text("model_type", row.vision)
		if !slices.Contains(row.towers, modelType) {
			return s.get("model_type").Unsupported("found %q, supported are %s", modelType, strings.Join(row.towers, ", "))
		}
	}
	f := &visionRows[slices.IndexFunc(visionRows, func(f visionRow) bool { return f.modelType == modelType })]
	a.Vision = f.read(s)
	if row.prefixes != nil {
		a.Vision.Prefixes = nil
		for _, before := range row.prefixes {
			for _, prefix := range f.prefixes {
				a.Vision.Prefixes = append(a.Vision.Prefixes, before+prefix)
			}
		}
	}
	if row.projector != nil { // read before its last norm
		a.Vision.Readout = encoder.ReadNone
	}
	return nil
}

// spec reads the keys that all transformers share.
func (s section) spec(standard encoder.Spec, act string) encoder.Spec {
	spec := encoder.Spec{
		Width:      s.integer("hidden_size", standard.Width, 1, maxWidth),
		Layers:     s.integer("num_hidden_layers", standard.Layers, 1, maxLayers),
		Heads:      s.integer("num_attention_heads", standard.Heads, 1, maxWidth),
		Hidden:     standard.Hidden,
		Eps:        float32(s.number("layer_norm_eps", float64(standard.Eps), 0)),
		Activation: s.activation("hidden_act", act),
		Causal:     standard.Causal,
	}
	if spec.Width%spec.Heads != 0 {
		s.fail(s.get("num_attention_heads").Fail("found %d, which doesn't divide hidden_size %d", spec.Heads, spec.Width))
		spec.Heads = 1
	}
	return spec
}

func (s section) activation(key, standard string) kernel.Activation {
	return s.activationNamed(key, s.text(key, standard))
}

// activationNamed is the activation that a key gave by its name.
func (s section) activationNamed(key, name string) kernel.Activation {
	act, ok := kernel.ParseActivation(name)
	if !ok {
		s.fail(s.get(key).Unsupported("found %q, supported are %s", name, strings.Join(kernel.ActivationNames(), ", ")))
	}
	return act
}
