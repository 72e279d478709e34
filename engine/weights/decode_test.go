package weights

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"vitrine/engine/fault"
	"vitrine/engine/internal/half"
)

// TestDoubles: F64 is rounded to the nearest float32, to even where two are as near; what
// float32 can't hold is refused.
func TestDoubles(t *testing.T) {
	file := func(values ...float64) []byte {
		var data []byte
		for _, v := range values {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
		}
		return write(t, Named{"d", F64, []int{len(values)}, data})
	}
	read := func(file []byte) ([]float32, error) {
		got, err := readFolder(t.Context(), &host{files: map[string][]byte{singleFile: file}})
		return got["d"], err
	}
	got, err := read(file(0.1, 1+1./(1<<24), 1+3./(1<<24), 1e-46, -math.MaxFloat32, math.Copysign(0, -1)))
	if want := []float32{0.1, 1, 1 + 1./(1<<22), 0, -math.MaxFloat32, 0}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, v := range []float64{1e39, -math.MaxFloat64, math.Inf(1), math.NaN()} {
		if _, err := read(file(1, v)); fault.CodeOf(err) != fault.Weights || !strings.Contains(err.Error(), "d: value 1 of 2 is ") {
			t.Errorf("%g: got %v", v, err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data := make([]byte, chunkBytes)
	for i := 0; i < len(data); i += 2 { // typical weights as F16, and plausible ones as F32 and BF16
		binary.LittleEndian.PutUint16(data[i:], half.ToF16(float32(rand.NormFloat64())*0.03))
	}
	values := make([]float32, chunkValues)
	for _, dtype := range []DType{F32, F16, BF16, I8} {
		b.Run(string(dtype), func(b *testing.B) {
			b.SetBytes(int64(min(chunkBytes, chunkValues*dtype.Size())))
			for b.Loop() {
				part := values[:min(chunkValues, chunkBytes/dtype.Size())]
				decode(part, data, dtype)
				if dtype.IsFloat() && half.NotFinite(part) >= 0 {
					b.Fatal("not finite")
				}
			}
		})
	}
}
