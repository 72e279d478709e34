package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"vitrine/engine/fault"
)

// spieceFile is the content of a spiece.model that decides ids.
type spieceFile struct {
	unigram  *unigram
	charsmap *charsmap // nil for none
	collapse bool      // remove_extra_whitespaces
}

// parseSpiece reads google/sentencepiece's ModelProto
// (src/sentencepiece_model.proto): pieces (1), trainer_spec (2),
// normalizer_spec (3). Options that do not change ids are skipped.
func parseSpiece(data []byte) (*spieceFile, error) {
	const file = "spiece.model"
	if len(data) > 0 && data[0] == '<' {
		return nil, fault.New(fault.Tokenizer, file, "holds an HTML page, not a SentencePiece model; check the URL of the model")
	}
	m := &spieceFile{unigram: &unigram{vocab: newVocab(), unk: -1}, collapse: true}
	modelType, fallback := uint64(1), false
	err := eachField(data, func(f protoField) error {
		switch f.number {
		case 1:
			return m.piece(f)
		case 2:
			return f.each("trainer_spec", func(f protoField) error {
				switch f.number {
				case 3:
					modelType = f.value
				case 24:
					if f.value != 0 {
						return fault.New(fault.Unsupported, file+": trainer_spec.treat_whitespace_as_suffix", "found true; supported: false")
					}
				case 35:
					fallback = f.value != 0
				}
				return nil
			})
		case 3:
			return f.each("normalizer_spec", func(f protoField) (err error) {
				switch f.number {
				case 2:
					if len(f.bytes) > 0 {
						m.charsmap, err = parseCharsmap(f.bytes)
					}
				case 4:
					m.collapse = f.value != 0
				case 5:
					if f.value == 0 {
						return fault.New(fault.Unsupported, file+": normalizer_spec.escape_whitespaces", "found false; supported: true")
					}
				}
				return err
			})
		}
		return nil
	})
	var known *fault.Error
	if err != nil && !errors.As(err, &known) {
		err = fault.New(fault.Tokenizer, file, "%w", err)
	}
	if err != nil {
		return nil, err
	}
	u := m.unigram
	if modelType != 1 {
		return nil, fault.New(fault.Unsupported, file+": trainer_spec.model_type", "found %d; supported: 1, unigram (a BPE model is read from tokenizer.json)", modelType)
	}
	if u.unk < 0 {
		return nil, fault.New(fault.Tokenizer, file, "none of its %d pieces has the type unknown; download the file again", u.vocab.size())
	}
	if fallback {
		u.bytes = newByteTokens(u.vocab)
	}
	u.buildIndex()
	return m, nil
}

// piece reads and adds one SentencePiece: its text (1), score (2), type (3).
func (m *spieceFile) piece(f protoField) error {
	u := m.unigram
	id := u.vocab.size()
	text, score, kind := "", float32(0), uint64(pieceNormal)
	err := f.each(fmt.Sprintf("piece %d", id), func(f protoField) error {
		switch f.number {
		case 1:
			text = string(f.bytes)
		case 2:
			score = math.Float32frombits(uint32(f.value))
		case 3:
			kind = f.value
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch {
	case text == "" || len(text) > maxPiece || !utf8.ValidString(text):
		return fmt.Errorf("piece %d is %.40q; want 1 to %d bytes of UTF-8", id, text, maxPiece)
	case math.IsNaN(float64(score)) || math.Abs(float64(score)) > maxScore:
		return fmt.Errorf("piece %d, %.40q, has the score %v", id, text, score)
	case kind < pieceNormal || kind > pieceByte:
		return fmt.Errorf("piece %d, %.40q, has the unknown type %d", id, text, kind)
	case !u.vocab.add(text):
		return fmt.Errorf("piece %d, %.40q, appears twice", id, text)
	case kind == pieceUnknown && u.unk >= 0:
		return fmt.Errorf("pieces %d and %d both have the type unknown", u.unk, id)
	case kind == pieceUnknown:
		u.unk = int32(id)
	}
	u.scores = append(u.scores, score)
	u.kinds = append(u.kinds, byte(kind))
	return nil
}

// protoField is a field of a protobuf message.
type protoField struct {
	number int
	value  uint64 // of a varint or a field of fixed width
	bytes  []byte // of a length-delimited field; a slice of the file
	nested bool   // the field is length-delimited, so it may be a message
}

// each calls do for the fields of the message in f; name stands for f in errors.
func (f protoField) each(name string, do func(protoField) error) error {
	if !f.nested {
		return fmt.Errorf("%s is not a message", name)
	}
	return eachField(f.bytes, do)
}

// eachField calls do for the fields of a message in protobuf's wire format. It
// copies nothing.
func eachField(data []byte, do func(protoField) error) error {
	cut := errors.New("is not a SentencePiece model, or is cut off; download the file again")
	varint := func() (uint64, bool) {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return 0, false
		}
		data = data[n:]
		return v, true
	}
	for len(data) > 0 {
		key, ok := varint()
		if !ok || key>>3 == 0 || key>>3 > 1<<29-1 {
			return cut
		}
		f := protoField{number: int(key >> 3)}
		switch key & 7 {
		case 0:
			if f.value, ok = varint(); !ok {
				return cut
			}
		case 1:
			if len(data) < 8 {
				return cut
			}
			f.value, data = binary.LittleEndian.Uint64(data), data[8:]
		case 2:
			n, ok := varint()
			if !ok || n > uint64(len(data)) {
				return cut
			}
			f.bytes, data, f.nested = data[:n], data[n:], true
		case 5:
			if len(data) < 4 {
				return cut
			}
			f.value, data = uint64(binary.LittleEndian.Uint32(data)), data[4:]
		default:
			return cut
		}
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}
