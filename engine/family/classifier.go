package family

import (
	"strconv"

	"vitrine/engine/encoder"
	"vitrine/engine/internal/jsonfile"
)

// Classifier is the head of a class …ForImageClassification.
type Classifier struct {
	Labels
	Tensor string // what the names of its tensors begin with
	Inside bool   // Tensor follows the prefix of the picture tower
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

// readLabels reads id2label and num_labels.
func readLabels(s section) Labels {
	l := Labels{names: map[int]string{}}
	err := s.get("id2label").Each(func(key string, v jsonfile.Value) error {
		name, err := v.Text()
		if err != nil {
			return err
		}
		id, err := strconv.Atoi(key)
		if err != nil || id < 0 || id >= maxVocabulary {
			return v.Fail("the key %q is not a class number", key)
		}
		l.names[id], l.Count = name, max(l.Count, id+1)
		return nil
	})
	if err != nil {
		s.fail(err)
	}
	if l.Count == 0 {
		l.Count = 2 // PretrainedConfig makes two labels where a file names none
	}
	l.Count = s.integer("num_labels", l.Count, 1, maxVocabulary)
	return l
}
