package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

// spread is a median with its quartiles.
type spread struct{ Median, Low, High float64 }

// contestant is a row of the bench's results (bench/models.mjs, gemm.mjs, startup.mjs).
type contestant struct {
	Name, Reason string // Reason: why it could not run
	Line         string // that it was loaded over, in startup
	MS           spread
	Bytes        float64
	Over         struct { // how many times as fast as the peer; by the peer's arithmetic, except in startup
		spread
		F32, Q8 spread
	}
}

// results are the parts of bench/last.json that the page needs.
type results struct {
	Date, Machine, Browser, Version, Peers string
	Turns                                  int
	Models                                 []struct {
		Title   string
		Ceiling struct{ F32, Q8 spread } // of the instructions, on one thread
		Rows    []contestant
	}
	Absent        []string
	Startup, Gemm []contestant
	Accuracy      []loss
}

// loss is a row of what fewer bits lose (bench/accuracy.mjs).
type loss struct {
	Model, What, Name string // What is the output that is compared
	Count             int
	Mean, Least       float64 // cosines to float32
	Top               *int    // how often the best answer is the same; nil where there are no answers
}

// A panel is a chart: bars in groups, by how many times as fast as the peer they are.
type panel struct {
	Title, Note string
	Groups      []group
	Ticks       []tick
}

type group struct {
	Name string
	Bars []*bar
}

// A bar is a contestant. Its lengths are in per cent of the chart's width.
type bar struct {
	Name, Reason            string
	Peer                    bool
	MS, Over                spread
	Length, Low, High, Even float64 // of Over; Even is where 1× is
}

// A tick is a label of the axis, at per cent of the chart's width.
type tick struct {
	At    float64
	Times int
}

// barOf is the bar of a contestant: its name in the results, and its label on the page.
type barOf struct {
	name, label string
	peer        bool
}

// modelBars and gemmBars are the bars of the charts, by arithmetic.
var (
	modelBars = map[string][]barOf{
		"float32": {
			{"Vitrine f32", "one worker", false},
			{"Vitrine f32, 2 workers", "two workers", false},
			{"Vitrine f32, plain SIMD", "one, plain SIMD", false},
			{"Vitrine f32, scalar", "one, no SIMD", false},
			{"ort f32, 2 threads, isolated", "ort, two threads", true},
		},
		"int8": {
			{"Vitrine q8", "one worker", false},
			{"Vitrine q8, 2 workers", "two workers", false},
			{"Vitrine q8, plain SIMD", "one, plain SIMD", false},
			{"ort q8, 2 threads, isolated", "ort, two threads", true},
		},
	}
	gemmBars = map[string][]barOf{
		"float32": {
			{"Vitrine f32, relaxed SIMD", "relaxed SIMD", false},
			{"Vitrine f32, plain SIMD", "plain SIMD", false},
			{"tfjs-backend-wasm (XNNPACK) f32", "TensorFlow.js", true},
			{"jax-js wasm f32", "jax-js", true},
		},
		"int8": {
			{"Vitrine q8, relaxed SIMD", "relaxed SIMD", false},
			{"Vitrine q8, plain SIMD", "plain SIMD", false},
		},
	}
)

// charts are what the page of the figures shows of the results.
type charts struct {
	Run            results
	Models, Others []*panel
	Gain           float64 // of int8's instructions over float32's; 0: not measured
	Losses         [][]loss
}

// readCharts makes the charts of a file of the bench's results.
func readCharts(file string) (*charts, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &charts{}
	if err := json.Unmarshal(data, &c.Run); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, m := range c.Run.Models {
		c.Models = append(c.Models, &panel{Title: m.Title, Groups: groupsOf(m.Rows, modelBars)})
	}
	if len(c.Run.Startup) > 0 {
		c.Others = append(c.Others, startPanel(c.Run.Startup))
	}
	if len(c.Run.Gemm) > 0 {
		c.Others = append(c.Others, &panel{Title: "Matrix products alone", Groups: groupsOf(c.Run.Gemm, gemmBars), Note: "197 rows through eight layers of ViT-B's MLP."})
	}
	scale(slices.Concat(c.Models, c.Others))
	if models := c.Run.Models; len(models) > 0 && models[0].Ceiling.F32.Median > 0 {
		c.Gain = models[0].Ceiling.Q8.Median / models[0].Ceiling.F32.Median
	}
	c.Losses = lossesOf(c.Run.Accuracy)
	return c, nil
}

// groupsOf gives the bars of contestants, grouped by arithmetic. The peer's is the same.
func groupsOf(rows []contestant, bars map[string][]barOf) (groups []group) {
	for _, arithmetic := range []string{"float32", "int8"} {
		g := group{Name: arithmetic}
		for _, w := range bars[arithmetic] {
			for _, c := range rows {
				if c.Name != w.name {
					continue
				}
				over := c.Over.F32
				if arithmetic == "int8" {
					over = c.Over.Q8
				}
				g.Bars = append(g.Bars, &bar{Name: w.label, Reason: c.Reason, Peer: w.peer, MS: c.MS, Over: over})
			}
		}
		groups = append(groups, g)
	}
	return groups
}

// startPanel gives the chart of the first ranking, grouped by the line it is loaded over.
func startPanel(rows []contestant) *panel {
	p := &panel{Title: "From navigation to the first ranking"}
	downloads := map[string]float64{}
	for _, c := range rows {
		if n := len(p.Groups); n == 0 || p.Groups[n-1].Name != c.Line {
			p.Groups = append(p.Groups, group{Name: c.Line})
		}
		g := &p.Groups[len(p.Groups)-1]
		g.Bars = append(g.Bars, &bar{Name: c.Name, Peer: c.Name != "Vitrine", MS: c.MS, Over: c.Over.spread})
		downloads[c.Name] = c.Bytes
	}
	p.Note = fmt.Sprintf("The embedded model, nothing cached: %.1f MB in all, onnxruntime-web %.1f MB.", downloads["Vitrine"]/1e6, downloads["onnxruntime-web"]/1e6)
	return p
}

// lossesOf gives what int8 loses, grouped by output: embeddings of pictures and of texts.
// Logits are left out, since they repeat the embeddings.
func lossesOf(rows []loss) (groups [][]loss) {
	for _, a := range rows {
		if a.What == "logits" || !strings.Contains(a.Name, "q8") {
			continue
		}
		n := len(groups)
		if n == 0 || groups[n-1][0].Model != a.Model || groups[n-1][0].What != a.What {
			groups = append(groups, nil)
			n++
		}
		groups[n-1] = append(groups[n-1], a)
	}
	return groups
}

// scale gives all panels the same axis, and lengths to their bars.
func scale(panels []*panel) {
	width := 2.0
	each := func(do func(*bar)) {
		for _, p := range panels {
			for _, g := range p.Groups {
				for _, b := range g.Bars {
					do(b)
				}
			}
		}
	}
	each(func(b *bar) { width = max(width, math.Ceil(4*b.Over.High)/4) })
	percent := func(times float64) float64 { return math.Round(1e4*times/width) / 100 }
	each(func(b *bar) {
		b.Length, b.Low, b.High, b.Even = percent(b.Over.Median), percent(b.Over.Low), percent(b.Over.High), percent(1)
	})
	for _, p := range panels {
		for n := 1; float64(n) < width; n++ {
			p.Ticks = append(p.Ticks, tick{percent(float64(n)), n})
		}
	}
}

func sayTimes(v float64) string { return fmt.Sprintf("%.2f×", v) }

func sayTime(ms float64) string {
	switch {
	case ms >= 1000:
		return fmt.Sprintf("%.2f s", ms/1000)
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f ms", ms)
}

// sayCosine writes as many digits as it takes to differ from 1.
func sayCosine(v float64) string {
	switch {
	case v > 0.99999:
		return fmt.Sprintf("%.6f", v)
	case v > 0.999:
		return fmt.Sprintf("%.5f", v)
	}
	return fmt.Sprintf("%.4f", v)
}
