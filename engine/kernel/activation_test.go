package kernel

import (
	"math"
	"testing"
)

// activationValues holds each activation at the arguments −3, −0.5 and 1.5, computed
// from its definition outside this program.
var activationValues = map[string][3]float64{
	"linear":            {-3, -0.5, 1.5},
	"gelu":              {-0.00404969409, -0.154268769, 1.3997892},
	"gelu_pytorch_tanh": {-0.00363739208, -0.15428599, 1.39957158},
	"quick_gelu":        {-0.0180713097, -0.149611563, 1.3916622},
	"silu":              {-0.14227762, -0.188770334, 1.22636171},
	"relu":              {0, 0, 1.5},
	"tanh":              {-0.995054754, -0.462117157, 0.905148254},
}

// TestActivationTable: every code has a row, its name and every synonym lead to it,
// and the scalar function gives the known values.
func TestActivationTable(t *testing.T) {
	for i, row := range activations {
		if row.name == "" || row.of == nil {
			t.Errorf("the activation of code %d has no row in the table", i)
			continue
		}
		if act, ok := ParseActivation(row.name); !ok || act != Activation(i) {
			t.Errorf("ParseActivation(%q) is %d, %v, not %d", row.name, act, ok, i)
		}
		want, ok := activationValues[row.name]
		if !ok {
			t.Errorf("activationValues has no values of %q", row.name)
			continue
		}
		got := []float32{-3, -0.5, 1.5}
		activate(got, Activation(i))
		for k, w := range want {
			if math.Abs(float64(got[k])-w) > activationTolerance*math.Abs(w) {
				t.Errorf("%s at argument %d is %v, not %v", row.name, k, got[k], w)
			}
		}
	}
	for _, s := range synonyms {
		if act, ok := ParseActivation(s.name); !ok || act != s.act {
			t.Errorf("ParseActivation(%q) is %v, not %v", s.name, act, s.act)
		}
	}
	if act, ok := ParseActivation("Gelu"); ok {
		t.Errorf("ParseActivation reads Gelu as %v", act)
	}
}

// TestActivation: the relative error to float64, over the range of float32.
func TestActivation(t *testing.T) {
	x := []float32{0, float32(math.Copysign(0, -1)), 1e-45, -1e-45, 1e-38, -1e-38, 1e-20, -1e-20, 3e38, -3e38, 100, -100, 88.8, -88.8, -104, 104}
	for v := float32(-20); v <= 20; v += 0.0037 {
		x = append(x, v)
	}
	for v := float32(1e-6); v < 120; v *= 1.013 {
		x = append(x, v, -v)
	}
	eachSet(t, func(t *testing.T, set Set) {
		w := newWeights(F32, 1, 1, false, func(n, k int) float32 { return 1 })
		for act, row := range activations {
			dst := NewMat(len(x), 1)
			set.Linear(dst, MatOf(x, len(x), 1), w, Activation(act), Mat{})
			worst, at := 0.0, float32(0)
			for i, v := range x {
				got, want := float64(dst.data[i]), row.of(float64(v))
				if v != 0 && math.Signbit(got) != math.Signbit(want) { // a sum of zeros is +0
					t.Errorf("%s(%v) is %v, not %v", row.name, v, got, want)
				}
				// The factor of x has subnormal steps of 1.4e-45, and so has the result.
				if e := (math.Abs(got-want) - 1.4e-45*(1+math.Abs(float64(v)))) / math.Abs(want); e > worst {
					worst, at = e, v
				}
			}
			t.Logf("%s: worst relative error %.3g at %v", row.name, worst, at)
			if worst > activationTolerance {
				t.Errorf("%s: relative error %.3g at %v", row.name, worst, at)
			}
		}
	})
}

// activationTolerance is one and a half units in the last place of float32: half a
// unit for rounding the result, one for the steps before.
const activationTolerance = 2e-7
