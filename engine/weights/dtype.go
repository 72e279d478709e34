package weights

import (
	"slices"
	"strings"
)

// DType is the type of a tensor's values, as safetensors writes it.
type DType string

// The types that a header may name. The first six are convertible to float32;
// tensors of the other types can be skipped or read as bytes.
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	F64  DType = "F64"
	I8   DType = "I8"
	U8   DType = "U8"

	Bool   DType = "BOOL"
	F8E5M2 DType = "F8_E5M2"
	F8E4M3 DType = "F8_E4M3"
	F8E8M0 DType = "F8_E8M0"
	I16    DType = "I16"
	U16    DType = "U16"
	I32    DType = "I32"
	U32    DType = "U32"
	I64    DType = "I64"
	U64    DType = "U64"
	C64    DType = "C64"
)

var dtypes = []DType{F32, F16, BF16, F64, I8, U8, Bool, F8E5M2, F8E4M3, F8E8M0, I16, U16, I32, U32, I64, U64, C64}

// Size returns the bytes of one value, 0 for an unknown type.
func (d DType) Size() int {
	switch d {
	case I8, U8, Bool, F8E5M2, F8E4M3, F8E8M0:
		return 1
	case F16, BF16, I16, U16:
		return 2
	case F32, I32, U32:
		return 4
	case F64, I64, U64, C64:
		return 8
	}
	return 0
}

// Convertible reports whether Stream converts values of this type to float32: the types
// whose values float32 holds exactly, and F64, which is rounded to the nearest float32.
func (d DType) Convertible() bool {
	return d.IsFloat() || d == I8 || d == U8
}

// IsFloat reports whether the type is convertible and can hold infinities and NaN,
// which Stream refuses. It is false for F8.
func (d DType) IsFloat() bool { return slices.Contains(floats, d) }

var floats = []DType{F32, F16, BF16, F64}

// FloatNames lists the types of IsFloat, for messages: "F32, F16, BF16, F64".
func FloatNames() string { return dtypeNames(floats) }

// Decode converts the bytes of len(values) values of a convertible type to float32.
func (d DType) Decode(values []float32, data []byte) { decode(values, data, d) }

// dtypeNames joins the names of types for messages.
func dtypeNames(list []DType) string {
	names := make([]string, len(list))
	for i, d := range list {
		names[i] = string(d)
	}
	return strings.Join(names, ", ")
}
