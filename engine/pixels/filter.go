package pixels

import "math"

// Filter is a resampling filter, with its number in Pillow and in
// preprocessor_config.json.
type Filter int

// The filters of Pillow.
const (
	Nearest  Filter = 0
	Lanczos  Filter = 1
	Bilinear Filter = 2
	Bicubic  Filter = 3
	Box      Filter = 4
	Hamming  Filter = 5
)

// String returns the name of the filter, in lower case.
func (f Filter) String() string {
	return [...]string{"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"}[f]
}

// support returns the distance from the centre beyond which the filter is 0, in
// pixels of the picture with the lower resolution.
func (f Filter) support() float64 {
	return [...]float64{Nearest: 0, Lanczos: 3, Bilinear: 1, Bicubic: 2, Box: 0.5, Hamming: 1}[f]
}

// value returns the filter at distance x from its centre. Its operations and their
// order are those of Pillow's Resample.c, so that results are equal to the last bit.
// The float64 conversions keep the compiler from fusing a multiplication and an
// addition.
func (f Filter) value(x float64) float64 {
	switch f {
	case Box:
		if x > -0.5 && x <= 0.5 {
			return 1
		}
	case Bilinear:
		if x = math.Abs(x); x < 1 {
			return 1 - x
		}
	case Hamming:
		if x = math.Abs(x); x == 0 {
			return 1
		} else if x < 1 {
			x *= math.Pi
			return math.Sin(x) / x * (0.54 + float64(0.46*math.Cos(x)))
		}
	case Bicubic: // Keys, a = -0.5
		const a = -0.5
		if x = math.Abs(x); x < 1 {
			return float64((float64((a+2)*x)-(a+3))*x*x) + 1
		} else if x < 2 {
			return (float64((float64((x-5)*x)+8)*x) - 4) * a
		}
	case Lanczos:
		if x >= -3 && x < 3 {
			return sinc(x) * sinc(x/3)
		}
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}
