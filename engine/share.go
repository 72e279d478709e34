package engine

import (
	"context"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

// LoadShare loads share index of a model that is split into o.Workers shares. It keeps
// the weights of this share only.
func LoadShare(ctx context.Context, folder weights.Folder, index int, o Options) (*Share, error) {
	if index < 1 || index >= o.Workers {
		return nil, fault.New(fault.Option, "index", "found share %d of %d; the others than the first are 1 to %d", index, o.Workers, o.Workers-1)
	}
	dtype, err := o.weightsDType()
	if err != nil {
		return nil, err
	}
	l := loader{ctx: ctx, folder: folder, options: o, dtype: dtype}
	if err := l.readConfig(); err != nil {
		return nil, err
	}
	if err := l.openWeights(); err != nil {
		return nil, err
	}
	defer l.checkpoint.Close()
	if err := l.resolve(); err != nil {
		return nil, err
	}
	b, t, err := l.towers(index)
	if err != nil {
		return nil, err
	}
	s := &Share{towers: t, machine: encoder.NewCPU(*o.set(), o.Group)}
	if l.measures() {
		s.toDrop = b.Q8()
	}
	return s, nil
}

// Join computes this share of a job.
func (s *Share) Join(job encoder.Job) error {
	defer func() {
		dropResiduals(s.toDrop)
		s.toDrop = nil
	}()
	run := encoder.Run{Machine: s.machine}
	if job.Text() {
		return s.towers.Text.Join(run, job)
	}
	return s.towers.Vision.Join(run, job)
}
