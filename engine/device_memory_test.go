package engine_test

import (
	"context"
	"testing"

	"vitrine/engine"
	"vitrine/engine/gpu"
)

// counted is a device that counts what is on it, by kind.
type counted struct {
	gpu.Device
	buffers  map[gpu.Buffer]gpu.Use
	groups   map[gpu.BindGroup]bool
	programs map[gpu.Program]bool
}

func newCounted() *counted {
	return &counted{gpu.NewScalar(), map[gpu.Buffer]gpu.Use{}, map[gpu.BindGroup]bool{}, map[gpu.Program]bool{}}
}

func (c *counted) Buffer(size int, use gpu.Use) gpu.Buffer {
	b := c.Device.Buffer(size, use)
	c.buffers[b] = use
	return b
}

func (c *counted) Free(b gpu.Buffer) {
	delete(c.buffers, b)
	c.Device.Free(b)
}

func (c *counted) RunGroup(arena, params gpu.Buffer) gpu.BindGroup {
	g := c.Device.RunGroup(arena, params)
	c.groups[g] = true
	return g
}

func (c *counted) FreeGroup(g gpu.BindGroup) {
	delete(c.groups, g)
	c.Device.FreeGroup(g)
}

func (c *counted) Program(commands []gpu.Command) gpu.Program {
	p := c.Device.Program(commands)
	c.programs[p] = true
	return p
}

func (c *counted) FreeProgram(p gpu.Program) {
	delete(c.programs, p)
	c.Device.FreeProgram(p)
}

// of counts the buffers of a use.
func (c *counted) of(use gpu.Use) int {
	n := 0
	for _, u := range c.buffers {
		if u == use {
			n++
		}
	}
	return n
}

// TestManyShapesOnGPU: pictures and texts of ever other sizes, each larger than the
// one before, leave one arena and a few plans on the device, and the same number of
// weights; each plan has two buffers, a group and a program, and takes them with it.
func TestManyShapesOnGPU(t *testing.T) {
	dev := newCounted()
	m, err := loadOn(t, goldenModels+"clip_new_eos", engine.Options{
		GPU: func(context.Context) (gpu.Device, error) { return dev, nil }, DemandGPU: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	patch := m.Info().Shapes.Patch
	round := func() {
		for n := 1; n <= 12; n++ {
			o := engine.ImageOptions{Size: [2]int{patch * n, patch * 6}}
			if _, err := m.EmbedImage(ctx, gray(byte(n)), engine.EmbedImageOptions{ImageOptions: o}); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Attention(ctx, gray(byte(n)), engine.AttentionOptions{ImageOptions: o}); err != nil {
				t.Fatal(err)
			}
			ids := make([]int32, 1+n)
			for i := range ids {
				ids[i] = int32(10 + i)
			}
			if err := m.WatchTexts(ctx, [][]int32{ids}, &goldenTap{map[string][][]float32{}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	round()
	weights := dev.of(gpu.UseWeights)
	for range 3 {
		round()
	}
	if n := dev.of(gpu.UseArena); n != 1 {
		t.Errorf("%d arenas on the device, want 1", n)
	}
	if n := dev.of(gpu.UseWeights); n != weights {
		t.Errorf("%d buffers of weights, %d after the first round", n, weights)
	}
	if n := len(dev.programs); n < 2 || n > 20 {
		t.Errorf("%d programs on the device, want some, but not one for each of the shapes", n)
	}
	for what, n := range map[string]int{"groups": len(dev.groups), "buffers of parameters": dev.of(gpu.UseParams), "buffers of results": dev.of(gpu.UseResults)} {
		if n != len(dev.programs) {
			t.Errorf("%d %s for %d programs", n, what, len(dev.programs))
		}
	}
}
