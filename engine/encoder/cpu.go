package encoder

import (
	"runtime"
	"sync"

	"vitrine/engine/kernel"
)

// CPU runs a kernel.Set at once, on all cores that Go has (one in WASM). A CPU
// belongs to one call at a time.
type CPU struct {
	set   kernel.Set
	arena arena
	group Group

	scratch [][]float32 // of attention, a core, used again by every call
}

// NewCPU makes a Machine of a set. group connects the shares of the model, nil
// where there are none.
func NewCPU(set kernel.Set, group Group) *CPU { return &CPU{set: set, group: group} }

// Set is the set that runs.
func (c *CPU) Set() kernel.Set { return c.set }

func (c *CPU) New(rows, cols int) Mat {
	return Mat{Memory: Memory{host: c.arena.take(rows * cols)}, Rows: rows, Cols: cols, Stride: cols}
}

func (c *CPU) Reset() { c.arena.reset() }

func (c *CPU) Fill(dst Mat, fill func(kernel.Mat)) { fill(dst.Host()) }

func (c *CPU) Copy(dst, src Mat) { dst.Host().Copy(src.Host()) }

// Linear splits the outputs among the cores, so that every core reads only its range of
// the weights.
func (c *CPU) Linear(dst, x Mat, w *kernel.Linear, act kernel.Activation, residual Mat) {
	panels := (w.Out + kernel.Panel - 1) / kernel.Panel
	spread(panels, x.Rows*w.In*kernel.Panel, func(_, from, to int) {
		first, last := from*kernel.Panel, min(to*kernel.Panel, w.Out)
		part := residual
		if !residual.Empty() {
			part = residual.ColRange(first, last)
		}
		c.set.Linear(dst.ColRange(first, last).Host(), x.Host(), w.Outputs(first, last), act, part.Host())
	})
}

func (c *CPU) Norm(dst, x Mat, p *kernel.Norm) {
	spread(x.Rows, 4*x.Cols, func(_, from, to int) {
		c.set.Norm(dst.RowRange(from, to).Host(), x.RowRange(from, to).Host(), p)
	})
}

func (c *CPU) Mean(dst, x Mat) { kernel.Mean(dst.Host().Row(0), x.Host()) }

func (c *CPU) Multiply(dst, a Mat) { c.set.Multiply(dst.Host(), a.Host()) }

func (c *CPU) Rotate(x, cos, sin Mat) {
	dim := cos.Cols
	for from := 0; from < x.Cols; from += dim {
		c.set.Rotate(x.ColRange(from, from+dim).Host(), cos.Host(), sin.Host())
	}
}

// Attend splits the heads among the cores.
func (c *CPU) Attend(a Attention) {
	dim := a.Q.Cols / a.Heads
	need := c.set.Scratch(a.Q.Rows, a.K.Rows, dim)
	if c.scratch == nil {
		c.scratch = make([][]float32, runtime.GOMAXPROCS(0))
	}
	spread(a.Heads, a.Q.Rows*a.K.Rows*dim*2, func(core, from, to int) {
		if len(c.scratch[core]) < need {
			c.scratch[core] = make([]float32, need)
		}
		for h := from; h < to; h++ {
			var probs Mat
			if !a.Probs.Empty() {
				probs = a.Probs.RowRange(h*a.Q.Rows, (h+1)*a.Q.Rows)
			}
			left, right := h*dim, (h+1)*dim
			c.set.Attention(a.Dst.ColRange(left, right).Host(), a.Q.ColRange(left, right).Host(),
				a.K.ColRange(left, right).Host(), a.V.ColRange(left, right).Host(), a.Causal, probs.Host(), c.scratch[core][:need])
		}
	})
}

func (c *CPU) Weigh(dst, v, probs Mat, heads int) {
	kernel.Weigh(dst.Host(), v.Host(), probs.Host(), heads)
}

// Sum adds up x over all shares, where there are others.
func (c *CPU) Sum(x Mat) error {
	if c.group == nil {
		return nil
	}
	values := x.Host()
	dense := values.Dense()
	err := c.group.Sum(dense)
	values.SetDense(dense)
	return err
}

func (c *CPU) Read(x Mat, take func(kernel.Mat)) { take(x.Host()) }

// Finish has nothing to wait for.
func (c *CPU) Finish() error { return nil }

// spread splits n items of work, each of cost multiplications, into one range [from, to)
// a core. Work too small to be worth a goroutine is done here.
func spread(n, cost int, do func(core, from, to int)) {
	cores := min(runtime.GOMAXPROCS(0), n, 1+n*cost/(1<<18))
	if cores <= 1 {
		do(0, 0, n)
		return
	}
	var wait sync.WaitGroup
	for i := range cores {
		wait.Go(func() { do(i, n*i/cores, n*(i+1)/cores) })
	}
	wait.Wait()
}

// arena allocates memory that is freed all at once. A run of a shape that it has seen, or
// of a smaller one, allocates nothing new.
type arena struct {
	blocks [][]float32
	block  int // the block in use
	used   int // values taken from it
	taken  int // values taken in all
}

const arenaBlock = 1 << 18 // values; 1 MB

func (a *arena) take(n int) []float32 {
	a.taken += n
	for ; a.block < len(a.blocks); a.block, a.used = a.block+1, 0 {
		if a.used+n <= len(a.blocks[a.block]) {
			memory := a.blocks[a.block][a.used : a.used+n : a.used+n]
			a.used += n
			return memory
		}
	}
	a.blocks = append(a.blocks, make([]float32, max(n, arenaBlock)))
	a.used = n
	return a.blocks[a.block][:n:n]
}

// reset replaces several blocks by one that is as large as all that was taken. Otherwise
// matrices of other shapes would leave gaps at the blocks' ends, and every new shape would
// add a block.
func (a *arena) reset() {
	if len(a.blocks) > 1 {
		a.blocks = nil // so that it can be collected before the new one is made
		a.blocks = [][]float32{make([]float32, a.taken)}
	}
	a.block, a.used, a.taken = 0, 0, 0
}
