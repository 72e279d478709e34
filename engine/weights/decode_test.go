package weights

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"vitrine/engine/internal/half"
)

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
				if dtype.IsFloat() && notFinite(part) >= 0 {
					b.Fatal("not finite")
				}
			}
		})
	}
}
