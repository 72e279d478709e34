package family

import (
	"strings"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
)

// checkpoint is the set of a checkpoint's tensor names.
type checkpoint map[string]bool

// respell keeps of some prefixes the one with which the checkpoint has a tensor, after
// outer. Where it has none, nothing changes, and the result is false.
func (c checkpoint) respell(prefixes *[]string, outer, tensor string) bool {
	for _, prefix := range *prefixes {
		if c[outer+prefix+tensor] {
			*prefixes = []string{outer + prefix}
			return true
		}
	}
	return false
}

// family gives the model_type whose own prefix the names of a picture tower have, or "".
func (c checkpoint) family() string {
	for i := range visionRows {
		f := &visionRows[i]
		if own := f.prefixes[0]; own == f.modelType+"." && c[own+f.names.Patch+".weight"] {
			return f.modelType
		}
	}
	return ""
}

// Resolve completes an architecture by the names of the checkpoint's tensors: what names
// begin with, and, where config.json leaves it open or lies, which towers, projections and
// classifiers there are. Upstream strips and adds the prefix of a class in the same way
// (modeling_utils.py, base_model_prefix).
func (a *Architecture) Resolve(names []string) error {
	if a.row == nil { // the layout of another library, which has one spelling
		return nil
	}
	c := checkpoint{}
	for _, name := range names {
		c[name] = true
	}
	// Wrappers put a prefix before all names: DataParallel, a module that has the model.
	outers := []string{"", "module.", "model.", "module.model."}
	if a.row.outer != "" {
		outers = append(outers, a.row.outer)
	}
	var outer string
	var vision, text bool // which towers are there
	for _, try := range outers {
		if v := a.Vision; v != nil {
			vision = c.respell(&v.Prefixes, try, v.Names.Patch+".weight")
		}
		if t := a.Text; t != nil {
			text = c.respell(&t.Prefixes, try, t.Names.Tokens)
		}
		if vision || text {
			outer = try
			break
		}
	}
	if !vision && !text {
		if other := c.family(); other != "" {
			return fault.New(fault.Unsupported, "config.json: model_type", "found %q, but the names of the tensors are those of a %s; write that, and architectures of that family", a.ModelType, other)
		}
	}
	// top is the name of a tensor, or of what its name begins with, outside of all towers.
	top := func(name, tensor string) string {
		if c[outer+name+tensor] {
			return outer + name
		}
		return name
	}

	if a.Vision != nil && a.Text != nil && vision != text {
		a.dropTower(text)
	}
	a.resolveClassifier(c, top)
	if a.Vision != nil && a.Text != nil {
		a.LogitScale, a.LogitBias, a.Method = top(a.row.logitScale, ""), top(a.row.logitBias, ""), a.row.method
	}
	a.resolveProjections(c, top)
	if a.Projector != nil {
		c.respell(&a.Projector.Prefixes, outer, "linear_1.weight")
	}
	a.Unread = a.unread()
	if v := a.Vision; v != nil && v.row.registered != "" {
		if name := v.Prefixes[0] + "embeddings.register_tokens"; c[name] {
			return fault.New(fault.Unsupported, "config.json: model_type", "found %q, but the weights have the tensor %s, which that family ignores: this is a %s; write that, and architectures of that family", a.ModelType, name, v.row.registered)
		}
	}
	return nil
}

// dropTower leaves out the tower that the checkpoint lacks: many files hold one tower of
// CLIP beside the whole config.json.
func (a *Architecture) dropTower(vision bool) {
	lacking, class := "text", "Vision"
	if vision {
		lacking, class = "picture", "Text"
		a.Text.Embedding = a.Text.alone
		a.Vision = nil
	} else {
		a.Vision.Embedding = a.Vision.alone
		a.Text = nil
	}
	if a.Name != "" && !strings.Contains(a.Name, class) {
		a.Warn("config.json", "architectures", "is %q, but the weights have no %s tower; the other one is loaded alone", a.Name, lacking)
	}
}

// resolveClassifier decides whether there is a classifier: the class says so, or, where it
// names no other task, the tensors do.
func (a *Architecture) resolveClassifier(c checkpoint, top func(name, tensor string) string) {
	v, r := a.Vision, a.row
	if v == nil || r.classifier == "" {
		return
	}
	one, two := top(r.classifier, ".weight"), top(r.teacher[0], ".weight")
	hasOne, hasTwo := c[one+".weight"], r.teacher[0] != "" && c[two+".weight"]
	if !a.classifies() {
		if !hasOne && !hasTwo {
			return
		}
		if a.Text != nil {
			a.Warn("config.json", "architectures", "is %q, so the tensor %s.weight is not used; write %sForImageClassification to classify", a.Name, one, r.class)
			return
		}
	}
	head := a.labels
	a.Classifier = &head
	head.Tensor = one
	if r.teacher[0] != "" && (strings.HasSuffix(a.Name, "WithTeacher") || hasTwo && !hasOne) {
		head.Tensor, head.Second = two, top(r.teacher[1], ".weight")
	}
	v.Readout, head.Input = v.row.classify, v.row.classifier
	v.Projection, v.Embedding = "", 0
	if v.NormPooled && v.Readout == encoder.ReadMean { // the mean is of tokens before the norm
		v.Names.PostNorm = ""
	}
}

// resolveProjections finds the projections into a joint space. A tower alone has one only
// where the file has it, and the class is not upstream's tower without one.
func (a *Architecture) resolveProjections(c checkpoint, top func(name, tensor string) string) {
	alone := a.Vision == nil || a.Text == nil
	there := func(name, class string) bool {
		return !alone || c[name+".weight"] && !strings.HasSuffix(a.Name, class)
	}
	if v := a.Vision; v != nil && v.Projection != "" {
		if v.Projection = top(v.Projection, ".weight"); !there(v.Projection, "VisionModel") {
			v.Projection, v.Embedding = "", 0
		}
	}
	if t := a.Text; t != nil {
		switch {
		case t.row.head != "":
			t.Head = t.Prefixes[0] + t.row.head
		default:
			if t.Head = top(t.row.project, ".weight"); !there(t.Head, "TextModel") {
				t.Head, t.Embedding = "", t.Width
			}
		}
	}
}

// unread lists buffers, what only training reads, and the parts of a tower that a class
// leaves out.
func (a *Architecture) unread() []string {
	all := []string{"position_ids", "mask_token", "inv_freq", "num_batches_tracked"}
	v := a.Vision
	if v == nil {
		return all
	}
	add := func(part string) {
		if part != "" {
			all = append(all, v.Prefixes[0]+part)
		}
	}
	if a.Classifier != nil || v.Readout == encoder.ReadNone {
		add(v.row.names.Pooler)
		if m := v.row.names.Map; m != nil {
			add(strings.TrimSuffix(m.Probe, "probe"))
		}
	}
	if a.Projector != nil || v.Names.PostNorm == "" {
		add(v.row.names.PostNorm)
	}
	return all
}
