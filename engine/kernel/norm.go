package kernel

import "math"

// Norm holds the parameters of a LayerNorm.
type Norm struct {
	Gain, Bias []float32 // [width]
	Eps        float32
}

// norm is LayerNorm of every row (Ba et al. 2016), with mean and biased variance in
// float64: dst = (x − mean)/√(variance + eps)·gain + bias. dst may be x.
func norm(dst, x Mat, p *Norm) {
	for i := range x.Rows {
		row, out := x.Row(i), dst.Row(i)
		var sum float64
		for _, v := range row {
			sum += float64(v)
		}
		mean := sum / float64(len(row))
		var squares float64
		for _, v := range row {
			d := float64(v) - mean
			squares += d * d
		}
		scale := 1 / math.Sqrt(squares/float64(len(row))+float64(p.Eps))
		for j, v := range row {
			out[j] = float32((float64(v)-mean)*scale)*p.Gain[j] + p.Bias[j]
		}
	}
}
