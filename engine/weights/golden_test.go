package weights

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/engine/internal/golden"
)

func readAll(t *testing.T, folder, file string) (Header, map[string][]float32) {
	t.Helper()
	body, size, err := Dir(folder).Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	h, err := ReadHeader(file, body, size)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]float32{}
	if err := h.Stream(t.Context(), body, collect(values), nil); err != nil {
		t.Fatal(err)
	}
	return h, values
}

// TestGoldenFiles reads every golden model, and holds what upstream computed from it
// against the shape, the maximum and the deviation that were noted beside it.
func TestGoldenFiles(t *testing.T) {
	for _, path := range golden.Cases(t, "models/*/expected.json") {
		folder := filepath.Dir(path)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			var expected struct {
				WeightsStoredAs string `json:"weights_stored_as"`
				Runs            map[string]struct {
					Outputs map[string]struct {
						Shape  []int
						MaxAbs float64 `json:"max_abs"`
						Std    float64
					}
				}
			}
			text, err := os.ReadFile(path)
			if err == nil {
				err = json.Unmarshal(text, &expected)
			}
			if err != nil {
				t.Fatal(err)
			}
			tensors, values, err := readModel(t, folder)
			if errors.Is(err, fs.ErrNotExist) && golden.Absent(t, path) == golden.Unclaimed {
				return // weights in another format
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(values) < 10 {
				t.Errorf("only %d tensors of weights", len(values))
			}
			for _, x := range tensors {
				if !strings.Contains(expected.WeightsStoredAs, string(x.DType)) && x.DType != I64 {
					t.Errorf("%s is %s, stored as %s", x.Name, x.DType, expected.WeightsStoredAs)
				}
				// (The pooler is one of bin_legacy's tensors without use.)
				if v := values[x.Name]; x.DType != I64 && (len(v) != x.Elements() || maxAbs(v) == 0 && x.Name != "vit.pooler.dense.weight" || maxAbs(v) > 100) {
					t.Errorf("%s: %d values for %v, up to %v", x.Name, len(v), x.Shape, maxAbs(v))
				}
			}
			h, values := readAll(t, folder, "expected.safetensors")
			checked := 0
			for run, r := range expected.Runs {
				for output, want := range r.Outputs {
					name := run + ".out." + output
					i := slices.IndexFunc(h.Tensors, func(x Tensor) bool { return x.Name == name })
					if i < 0 || !slices.Equal(h.Tensors[i].Shape, want.Shape) {
						t.Errorf("%s is absent or has not the shape %v", name, want.Shape)
						continue
					}
					if got := maxAbs(values[name]); math.Abs(got-want.MaxAbs) > 1e-5*want.MaxAbs {
						t.Errorf("%s: the largest is %v, want %v", name, got, want.MaxAbs)
					}
					if got := deviation(values[name]); len(values[name]) > 1 && math.Abs(got-want.Std) > 1e-3*want.Std {
						t.Errorf("%s: the deviation is %v, want %v", name, got, want.Std)
					}
					checked++
				}
			}
			if checked == 0 {
				t.Error("no output was checked")
			}
		})
	}
}

// readModel reads the weights of a folder, whole or in shards.
func readModel(t *testing.T, folder string) (tensors []Tensor, values map[string][]float32, err error) {
	t.Helper()
	c, err := Open(t.Context(), Dir(folder))
	if errors.Is(err, fs.ErrNotExist) {
		c, err = Open(t.Context(), Dir(folder), "open_clip_model.safetensors")
	}
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	values = map[string][]float32{}
	into := collect(values)
	err = c.Stream(t.Context(), func(x Tensor) (Target, error) {
		tensors = append(tensors, x)
		return into(x)
	}, nil)
	return tensors, values, err
}

func maxAbs(values []float32) float64 {
	most := 0.
	for _, v := range values {
		most = max(most, math.Abs(float64(v)))
	}
	return most
}

// deviation returns the standard deviation of a sample, as torch.std does.
func deviation(values []float32) float64 {
	sum, squares, n := 0., 0., float64(len(values))
	for _, v := range values {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	return math.Sqrt(max(0, (squares-sum*sum/n)/(n-1)))
}
