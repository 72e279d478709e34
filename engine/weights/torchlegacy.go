package weights

import (
	"errors"
	"fmt"

	"vitrine/engine/internal/pickle"
)

// The layout before torch 1.6 (torch/serialization.py, _legacy_save): five pickles in a
// row, the magic number, the version 1001, facts about the machine, the object and the
// keys of the storages; then the storages in the order of the keys, each after its
// number of values (8 bytes).

// magicNumber is 0x1950a86a20f9469cfc6c.
const magicNumber = pickle.Long("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")

const legacyVersion = 1001

type legacyLayout struct {
	order []*storage
}

// plainValues are the rules of the pickles beside the object: they name nothing.
type plainValues struct{}

// Global implements pickle.Rules.
func (plainValues) Global(name string) (pickle.Value, error) {
	return nil, fmt.Errorf("its pickle names %.200q, where a plain value stands; the file is not read and nothing in it was run", name)
}

// Call implements pickle.Rules; Global gives nothing to call.
func (p plainValues) Call(pickle.Value, []pickle.Value) (pickle.Value, error) {
	return p.Global("a function")
}

// Load implements pickle.Rules.
func (p plainValues) Load(pickle.Value) (pickle.Value, error) { return p.Global("an object") }

func (in *input) pickle(rules pickle.Rules) pickle.Value {
	v, err := pickle.Read(in, rules)
	if err != nil {
		in.fail(err)
	}
	return v
}

func (l *legacyLayout) header(in *input, rules *stateDictRules) pickle.Value {
	if in.pickle(plainValues{}) != pickle.Value(magicNumber) {
		in.fail(errors.New("is a pickle, but not one that torch.save wrote; save the state dict with torch.save, or as safetensors"))
	}
	version := in.pickle(plainValues{})
	machine, ok := in.pickle(plainValues{}).(*pickle.Dict)
	if version != pickle.Value(int64(legacyVersion)) || !ok || machine.Get("little_endian") != pickle.Value(true) {
		in.fail(errors.New("is of another version of torch's format, or of a machine with another byte order; supported are 1001 and little-endian, and the zip format"))
	}
	root := in.pickle(rules)
	keys, _ := pickle.Items(in.pickle(plainValues{}))
	listed := map[*storage]bool{}
	for _, k := range keys {
		key, _ := k.(string)
		s := rules.storages[key]
		if s == nil || listed[s] {
			in.damaged("lists the storage %.100q, which its pickle names nowhere or the list names twice", key)
		}
		listed[s] = true
		l.order = append(l.order, s)
	}
	if len(l.order) != len(rules.order) {
		in.damaged("lists %d storages, where its pickle names %d", len(l.order), len(rules.order))
	}
	return root
}

func (l *legacyLayout) next(in *input) *storage {
	if len(l.order) == 0 {
		return nil
	}
	s := l.order[0]
	l.order = l.order[1:]
	if n := le64(in.record(8)); n != uint64(s.values) {
		in.damaged("the storage %.100q has %d values, where its pickle says %d", s.key, n, s.values)
	}
	return s
}
