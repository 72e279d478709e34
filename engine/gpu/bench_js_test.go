package gpu

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/kernel"
)

// The benchmarks run like the tests:
//
//	go test -exec … -run '^$' -bench . ./engine/gpu
//
// GFLOP/s is for the time spent waiting for the device, host-ms is the other time.

// measure runs a script b.N times; flops is the number of operations of one run.
func measure(b *testing.B, m *Machine, flops int, script func(m *Machine)) {
	b.Helper()
	run := func() {
		m.Reset()
		script(m)
		if err := m.Finish(); err != nil {
			b.Fatal(err)
		}
	}
	run() // the first run uploads weights and makes the plan
	waited := m.dev.Waited()
	b.ResetTimer()
	for range b.N {
		run()
	}
	device := m.dev.Waited() - waited
	b.ReportMetric(float64(flops)*float64(b.N)/float64(device), "GFLOP/s")
	b.ReportMetric(float64(b.Elapsed()-device)/1e6/float64(b.N), "host-ms/op")
}

func BenchmarkLinear(b *testing.B) {
	m, err := opened()
	if m == nil || err != nil {
		b.Skip("no WebGPU: ", err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ rows, in, out int }{
		{197, 192, 576}, {197, 192, 768}, {197, 768, 192}, // ViT-Tiny/16
		{197, 768, 3072}, {197, 3072, 768}, // ViT-B/16
		{1024, 1024, 1024}, {1, 768, 768},
	} {
		for _, dtype := range allDTypes {
			b.Run(fmt.Sprintf("%v/%d×%d→%d", dtype, c.rows, c.in, c.out), func(b *testing.B) {
				w := kernel.NewLinearOf(dtype, c.in, c.out, true)
				for n := range c.out {
					w.SetRow(n, 0, randoms(r, c.in))
				}
				measure(b, m, 2*c.rows*c.in*c.out, func(m *Machine) {
					x, y := filled(m, r, c.rows, c.in), m.New(c.rows, c.out)
					m.Linear(y, x, w, kernel.GELU, encoder.Mat{})
					m.Read(y.RowRange(0, 1), func(kernel.Mat) {})
				})
			})
		}
	}
}

func BenchmarkAttend(b *testing.B) {
	m, err := opened()
	if m == nil || err != nil {
		b.Skip("no WebGPU: ", err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ tokens, heads, dim int }{{197, 3, 64}, {197, 12, 64}, {1024, 12, 64}} {
		for _, maps := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d·%d·%d/maps=%v", c.tokens, c.heads, c.dim, maps), func(b *testing.B) {
				inner := c.heads * c.dim
				measure(b, m, 4*c.tokens*c.tokens*inner, func(m *Machine) {
					qkv, y := filled(m, r, c.tokens, 3*inner), m.New(c.tokens, inner)
					a := encoder.Attention{Dst: y, Q: qkv.ColRange(0, inner), K: qkv.ColRange(inner, 2*inner), V: qkv.ColRange(2*inner, 3*inner), Heads: c.heads}
					if maps {
						a.Probs = m.New(c.heads*c.tokens, c.tokens)
					}
					m.Attend(a)
					m.Read(y.RowRange(0, 1), func(kernel.Mat) {})
				})
			})
		}
	}
}

// BenchmarkPicture is a tower with as many operations as ViT-B/16, but so narrow that the
// device has little work: least-host-ms is the time of Go and the browser for a picture
// with any model of twelve layers, except for its patches.
func BenchmarkPicture(b *testing.B) {
	m, err := opened()
	if m == nil || err != nil {
		b.Skip("no WebGPU: ", err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	const width, tokens = 16, 17
	v := &encoder.Vision{
		Encoder: encoder.Encoder{Spec: encoder.Spec{Width: width, Layers: 12, Heads: 2, Hidden: 4 * width, Activation: kernel.GELU}, Share: encoder.Whole},
		Patch:   2, Grid: encoder.Grid{Rows: 4, Columns: 4}, Embed: randomLinear(r, 12, width, true),
		Prefix: kernel.MatOf(randoms(r, width), 1, width), Prefixes: 1, Placed: kernel.MatOf(randoms(r, width), 1, width),
		Positions: kernel.MatOf(randoms(r, (tokens-1)*width), tokens-1, width), PostNorm: randomNorm(r, width),
	}
	for range v.Layers {
		v.Blocks = append(v.Blocks, encoder.Block{
			Norm1: *randomNorm(r, width), QKV: randomLinear(r, width, 3*width, true), Out: randomLinear(r, width, width, true),
			Norm2: *randomNorm(r, width), Up: randomLinear(r, width, 4*width, true), Down: randomLinear(r, 4*width, width, true),
		})
	}
	values := randoms(r, (tokens-1)*12)
	picture := encoder.Picture{Grid: v.Grid, Patches: func(dst kernel.Mat) { copy(dst.Dense(), values) }}
	run := func() {
		if err := v.Encode(encoder.Run{Machine: m, Tap: embedding{}}, []encoder.Picture{picture}); err != nil {
			b.Fatal(err)
		}
	}
	run()
	least := time.Hour // other programs only add time
	for b.Loop() {
		start, waited := time.Now(), m.dev.Waited()
		run()
		least = min(least, time.Since(start)-m.dev.Waited()+waited)
	}
	b.ReportMetric(float64(least)/1e6, "least-host-ms")
}

// embedding is a Tap that wants the embedding, as most calls do.
type embedding struct{}

func (embedding) Wants(name string) bool       { return name == "embedding" }
func (embedding) Take(string, int, kernel.Mat) {}

// BenchmarkPeak measures the ceiling: float32 multiplications and additions in registers.
func BenchmarkPeak(b *testing.B) {
	m, err := opened()
	if m == nil || err != nil {
		b.Skip("no WebGPU: ", err)
	}
	code, err := os.ReadFile("testdata/peak.wgsl")
	if err != nil {
		b.Fatal(err)
	}
	list, _ := shadersFor(allDTypes)
	if err := m.dev.Compile([]Shader{{"peak", string(code)}}); err != nil {
		b.Fatal(err)
	}
	defer m.dev.Compile(list)
	groups, rounds := 64, uint32(1)
	run := func() time.Duration {
		params := struct {
			rounds uint32
			x      float32
		}{rounds, 0.5}
		waited := m.dev.Waited()
		m.Reset()
		y := m.New(groups, 256)
		m.dispatch(0, bytesOf(&params), m.none, grid{groups, 1, 1})
		m.Read(y.RowRange(0, 1), func(kernel.Mat) {})
		if err := m.Finish(); err != nil {
			b.Fatal(err)
		}
		m.Forget()
		return m.dev.Waited() - waited
	}
	for run() < 100*time.Millisecond { // long enough that the time of a submission does not matter
		if groups < 8192 {
			groups *= 2
		} else {
			rounds *= 2
		}
	}
	b.ResetTimer()
	var device time.Duration
	for range b.N {
		device += run()
	}
	b.StopTimer()
	b.ReportMetric(float64(groups)*64*float64(rounds)*2*8*4*64*float64(b.N)/float64(device), "GFLOP/s")
}
