package family

import (
	"strconv"

	"vitrine/engine/encoder"
	"vitrine/engine/internal/jsonfile"
	"vitrine/engine/score"
)

// Classifier is the head of a class …ForImageClassification.
type Classifier struct {
	Labels
	Method score.Method // how scores are made of logits
	Tensor string       // what the names of its tensors begin with
	Second string       // the same of a second head on the second token; "" where there is none
	Inside bool         // Tensor follows the prefix of the picture tower
	Input  encoder.ClassifierInput
}

// Labels are the names of classes. Only names that config.json gives are kept: a number
// of classes alone costs nothing.
type Labels struct {
	Count int
	names map[int]string
}

// At is the name of class i: of id2label, else LABEL_i.
func (l Labels) At(i int) string {
	if name, ok := l.names[i]; ok {
		return name
	}
	return "LABEL_" + strconv.Itoa(i)
}

// readLabels reads id2label, and num_labels where that is absent. A name may be any value:
// upstream keeps numbers as they are.
func (a *Architecture) readLabels(s section) Labels {
	l := Labels{names: map[int]string{}}
	names := s.get("id2label")
	outside := false
	err := names.Each(func(key string, v jsonfile.Value) error {
		name := string(v.Raw())
		if v.Kind() == jsonfile.String {
			name, _ = v.Text()
		}
		id, err := strconv.Atoi(key)
		if err != nil {
			return v.Fail("the key %q is not a class number", key)
		}
		l.names[id] = name
		l.Count++
		return nil
	})
	if err == nil && names.Has() && names.Kind() != jsonfile.Object {
		err = names.Fail("found %s, want an object", names.Kind())
	}
	if err != nil {
		s.fail(err)
	}
	for id := range l.names {
		outside = outside || id < 0 || id >= l.Count
	}
	const two = 2 // PretrainedConfig makes two labels where a file names none
	said := s.integer("num_labels", two, 1, maxVocabulary)
	switch {
	case l.Count == 0:
		l.Count = said
		if s.get("label2id").Has() {
			a.Warn("config.json", "label2id", "is ignored, because id2label is missing; the classes are called LABEL_0 and so on")
		}
	case l.Count > maxVocabulary:
		s.fail(names.Fail("names %d classes, supported are 1 to %d", l.Count, maxVocabulary))
		l.Count = 1
	case outside:
		a.Warn("config.json", "id2label", "names %d classes, but their numbers are not 0 to %d; a class without a name is called by its number", l.Count, l.Count-1)
	}
	if s.get("num_labels").Has() && l.Count != said {
		a.Warn("config.json", "num_labels", "is %d, but id2label names %d classes, which counts", said, l.Count)
	}
	return l
}

// method is that of upstream's image-classification pipeline
// (pipelines/image_classification.py).
func (a *Architecture) readMethod(s section, count int) score.Method {
	problem := s.text("problem_type", "")
	switch problem {
	case "", "regression", "single_label_classification", "multi_label_classification":
	default:
		a.Warn("config.json", "problem_type", "is %q, which is not known here and is ignored", problem)
	}
	if problem == "multi_label_classification" || count == 1 {
		return score.BySigmoid
	}
	return score.BySoftmax
}
