package engine_test

import (
	"context"
	"math"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/gpu"
)

// ranked gives the similarities of labels in their own order.
func ranked(t *testing.T, m *engine.Model, labels, templates []string) []float64 {
	t.Helper()
	r, err := m.Rank(context.Background(), gray(1), labels, engine.RankOptions{Templates: templates})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float64, len(labels))
	for _, one := range r.Ranking {
		out[one.Index] = one.Similarity
	}
	return out
}

func sameNumbers(t *testing.T, what string, got, want []float64) {
	t.Helper()
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-5 {
			t.Errorf("%s: label %d has the similarity %g, want %g", what, i, got[i], want[i])
		}
	}
}

// TestTemplatesAreNotMixedUp: a model that keeps the embeddings of labels answers
// every template, and every order of several, as a model that has seen none.
func TestTemplatesAreNotMixedUp(t *testing.T) {
	labels := []string{"cat", "house"}
	all := [][]string{nil, {"a drawing of a {}"}, {"{} on a table"}, {"a drawing of a {}", "{} on a table"}, {"{}"}, nil}
	kept := openModel(t, clipWithText)
	var answers [][]float64
	for _, templates := range all {
		got := ranked(t, kept, labels, templates)
		sameNumbers(t, "with templates", got, ranked(t, openModel(t, clipWithText), labels, templates))
		answers = append(answers, got)
	}
	if math.Abs(answers[0][0]-answers[1][0]) < 1e-4 || math.Abs(answers[1][0]-answers[2][0]) < 1e-4 {
		t.Errorf("templates change nothing: %v", answers)
	}
	one, err := kept.Relevance(context.Background(), gray(1), labels, engine.RelevanceOptions{Templates: all[1]})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range one.Maps {
		if math.Abs(m.Similarity-answers[1][i]) > 1e-5 {
			t.Errorf("relevance says %q has the similarity %g, rank %g", m.Label, m.Similarity, answers[1][i])
		}
	}
}

// TestTextsAfterAFallback has a GPU spoil texts that no self-check looks at, and be
// lost at the picture that follows: the answer must not be made of its texts.
func TestTextsAfterAFallback(t *testing.T) {
	rank := func(t *testing.T, m *engine.Model, labels []string) []float64 { return ranked(t, m, labels, nil) }
	relevance := func(t *testing.T, m *engine.Model, labels []string) []float64 {
		r, err := m.Relevance(context.Background(), gray(1), labels, engine.RelevanceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var out []float64
		for _, one := range r.Maps {
			out = append(out, one.Similarity)
		}
		return out
	}
	for name, call := range map[string]func(*testing.T, *engine.Model, []string) []float64{"rank": rank, "relevance": relevance} {
		t.Run(name, func(t *testing.T) {
			dev := gpu.NewScalar()
			runs := 0 // a text, a picture, and so on; the first two of each are checked
			dev.Fault = func(step string, results []float32) error {
				if step != "run" {
					return nil
				}
				switch runs++; runs {
				case 5:
					for i := range results {
						results[i] = -results[i]
					}
				case 6:
					return fault.New(fault.Device, "webgpu", "the device was lost")
				}
				return nil
			}
			m, err := loadOn(t, clipWithText, engine.Options{GPU: scalarGPU(dev)}.WithClock(nil))
			if err != nil {
				t.Fatal(err)
			}
			cpu := openModel(t, clipWithText)
			for _, labels := range [][]string{{"a cat", "a dog"}, {"a house", "a tree"}, {"a fish", "a key"}, {"a fish", "a key"}} {
				sameNumbers(t, labels[0], call(t, m, labels), call(t, cpu, labels))
			}
			if info := m.Info(); info.Device == "webgpu" || runs != 6 {
				t.Errorf("device %q after %d runs, want the CPU after 6: the test is about nothing", info.Device, runs)
			}
		})
	}
}

// TestDemandedGPUIsGivenBack: a model that was told to use the GPU alone, and lost it,
// keeps nothing on it.
func TestDemandedGPUIsGivenBack(t *testing.T) {
	dev := gpu.NewScalar()
	dev.Fault = func(step string, _ []float32) error {
		if step == "run" {
			return fault.New(fault.Device, "webgpu", "the device has no more memory")
		}
		return nil
	}
	m, err := loadOn(t, clip, engine.Options{GPU: scalarGPU(dev), DemandGPU: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.EmbedImage(context.Background(), gray(1), engine.EmbedImageOptions{}); fault.CodeOf(err) != fault.Device {
		t.Errorf("the call gave %v", err)
	}
	if made, freed := dev.Counts(); made == 0 || made != freed {
		t.Errorf("%d buffers made, %d given back", made, freed)
	}
}
