package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"vitrine/engine/fault"
)

// spieceModel is what a spiece.model says of ids.
type spieceModel struct {
	unigram *unigram
	rules   *charsmap // nil for none
	squeeze bool      // remove_extra_whitespaces
}

// parseSpiece reads google/sentencepiece's ModelProto
// (src/sentencepiece_model.proto): pieces (1), trainer_spec (2),
// normalizer_spec (3). Options that don't touch the ids of a text are skipped.
func parseSpiece(data []byte) (*spieceModel, error) {
	const file = "spiece.model"
	if len(data) > 0 && data[0] == '<' {
		return nil, fault.New(fault.Tokenizer, file, "holds an HTML page, not a SentencePiece model; check the address of the model")
	}
	m := &spieceModel{unigram: &unigram{vocab: newVocab(), unk: -1}, squeeze: true}
	modelType, fallback := uint64(1), false
	err := eachField(data, func(f protoField) error {
		switch f.number {
		case 1:
			return m.piece(f)
		case 2:
			return f.each("trainer_spec", func(f protoField) error {
				switch f.number {
				case 3:
					modelType = f.number64
				case 24:
					if f.number64 != 0 {
						return fault.New(fault.Unsupported, file+": trainer_spec.treat_whitespace_as_suffix", "found true; supported: false")
					}
				case 35:
					fallback = f.number64 != 0
				}
				return nil
			})
		case 3:
			return f.each("normalizer_spec", func(f protoField) (err error) {
				switch f.number {
				case 2:
					if len(f.bytes) > 0 {
						m.rules, err = parseCharsmap(f.bytes)
					}
				case 4:
					m.squeeze = f.number64 != 0
				case 5:
					if f.number64 == 0 {
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
		return nil, fault.New(fault.Tokenizer, file, "none of its %d pieces is the unknown one; is it whole?", u.vocab.size())
	}
	if fallback {
		u.bytes = newByteTokens(u.vocab)
	}
	u.ready()
	return m, nil
}

// piece reads one SentencePiece: its text (1), score (2), type (3).
func (m *spieceModel) piece(f protoField) error {
	u := m.unigram
	id := u.vocab.size()
	text, score, kind := "", float32(0), uint64(pieceNormal)
	err := f.each(fmt.Sprintf("piece %d", id), func(f protoField) error {
		switch f.number {
		case 1:
			text = string(f.bytes)
		case 2:
			score = math.Float32frombits(uint32(f.number64))
		case 3:
			kind = f.number64
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
		return fmt.Errorf("piece %d, %.40q, stands twice", id, text)
	case kind == pieceUnknown && u.unk >= 0:
		return fmt.Errorf("pieces %d and %d are both the unknown one", u.unk, id)
	case kind == pieceUnknown:
		u.unk = int32(id)
	}
	u.scores = append(u.scores, score)
	u.kinds = append(u.kinds, byte(kind))
	return nil
}

// protoField is a field of a protobuf message: number64 holds varints and fixed
// widths, bytes a part of the file.
type protoField struct {
	number   int
	number64 uint64
	bytes    []byte
	nested   bool // bytes is set: the field may be a message
}

// each reads the field as a message.
func (f protoField) each(name string, do func(protoField) error) error {
	if !f.nested {
		return fmt.Errorf("%s is no message", name)
	}
	return eachField(f.bytes, do)
}

// eachField walks a message in protobuf's wire format. It allocates nothing.
func eachField(data []byte, do func(protoField) error) error {
	cut := fmt.Errorf("it is no SentencePiece model, or cut off")
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
			if f.number64, ok = varint(); !ok {
				return cut
			}
		case 1:
			if len(data) < 8 {
				return cut
			}
			f.number64, data = binary.LittleEndian.Uint64(data), data[8:]
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
			f.number64, data = uint64(binary.LittleEndian.Uint32(data)), data[4:]
		default:
			return cut
		}
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}
