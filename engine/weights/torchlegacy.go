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

// magicNumbers are 0x1950a86a20f9469cfc6c in protocol 2, and in protocol 1.
var magicNumbers = [2]pickle.Long{"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", "119547037146038801333356"}

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
func (plainValues) Call(pickle.Value, []pickle.Value) (pickle.Value, error) {
	return nil, errors.New("its pickle calls what is no function; the file is damaged")
}

// Load implements pickle.Rules.
func (plainValues) Load(pickle.Value) (pickle.Value, error) {
	return nil, errors.New("its pickle refers to an object, where a plain value stands; the file is damaged")
}

func (l *legacyLayout) header(in *input, rules *stateDictRules) (pickle.Value, error) {
	var head [3]pickle.Value
	for i := range head {
		v, err := pickle.Read(in, plainValues{})
		if err != nil {
			return nil, err
		}
		if head[i] = v; i == 0 && v != pickle.Value(magicNumbers[0]) && v != pickle.Value(magicNumbers[1]) {
			return nil, errors.New("is a pickle, but not one that torch.save wrote; save the state dict with torch.save, or as safetensors")
		}
	}
	if head[1] != pickle.Value(int64(legacyVersion)) {
		return nil, fmt.Errorf("has the version %.50v of torch's format; supported are %d and the zip format", head[1], legacyVersion)
	}
	if machine, ok := head[2].(*pickle.Dict); !ok || machine.Get("little_endian") != pickle.Value(true) {
		return nil, errors.New("was written on a machine with another byte order; supported is little-endian")
	}
	root, err := pickle.Read(in, rules)
	if err != nil {
		return nil, err
	}
	keys, err := pickle.Read(in, plainValues{})
	if err != nil {
		return nil, err
	}
	list, ok := keys.(*pickle.List)
	if !ok {
		return nil, errors.New("has no list of its storages; the file is damaged")
	}
	listed := map[*storage]bool{}
	for _, k := range list.Items {
		key, _ := k.(string)
		s := rules.storages[key]
		if s == nil || listed[s] {
			return nil, fmt.Errorf("lists the storage %.100q, which its pickle names nowhere or the list names twice; the file is damaged", key)
		}
		listed[s] = true
		l.order = append(l.order, s)
	}
	if len(l.order) != len(rules.order) {
		return nil, fmt.Errorf("lists %d storages, where its pickle names %d; the file is damaged", len(l.order), len(rules.order))
	}
	return root, nil
}

func (l *legacyLayout) next(in *input) (*storage, error) {
	if len(l.order) == 0 {
		return nil, nil
	}
	s := l.order[0]
	l.order = l.order[1:]
	count, err := in.record(8)
	if err != nil {
		return nil, err
	}
	if n := le64(count); n != uint64(s.values) {
		return nil, fmt.Errorf("the storage %.100q has %d values, where its pickle says %d; the file is damaged", s.key, n, s.values)
	}
	return s, nil
}
