package encoder

import (
	"sync"

	"vitrine/engine/kernel"
)

// Goroutines connects n shares of one process. Tests run shares natively with it.
type Goroutines struct {
	n    int
	jobs []chan Job

	mu      sync.Mutex
	cond    *sync.Cond
	waiting [][]float32 // the arguments of Sum of the shares that wait, by index
	arrived int
	round   int
}

// NewGoroutines makes the connection; Group gives each share its side of it.
func NewGoroutines(n int) *Goroutines {
	g := &Goroutines{n: n, waiting: make([][]float32, n)}
	g.cond = sync.NewCond(&g.mu)
	for range n {
		g.jobs = append(g.jobs, make(chan Job))
	}
	return g
}

// Group is the side of share index.
func (g *Goroutines) Group(index int) Group { return goroutine{g, index} }

// Jobs receives the jobs that share index joins, until Close.
func (g *Goroutines) Jobs(index int) <-chan Job { return g.jobs[index] }

// Close ends the other shares' jobs.
func (g *Goroutines) Close() {
	for _, jobs := range g.jobs[1:] {
		close(jobs)
	}
}

type goroutine struct {
	*Goroutines
	index int
}

func (p goroutine) Start(job Job) error {
	x := kernel.NewMat(job.X.Rows, job.X.Cols)
	x.Copy(job.X)
	job.X = x // the first share goes on with its own
	for _, jobs := range p.jobs[1:] {
		jobs <- job
	}
	return nil
}

// Sum waits for all shares; the last one adds up.
func (p goroutine) Sum(x []float32) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[p.index] = x
	round := p.round
	if p.arrived++; p.arrived < p.n {
		for p.round == round {
			p.cond.Wait()
		}
		return nil
	}
	for i := range x {
		var sum float32
		for _, part := range p.waiting {
			sum += part[i]
		}
		for _, part := range p.waiting {
			part[i] = sum
		}
	}
	p.arrived, p.round = 0, round+1
	p.cond.Broadcast()
	return nil
}
