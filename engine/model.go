package engine

import (
	"context"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
)

// Info describes the model and the device that runs it now.
func (m *Model) Info() Info {
	m.runningMu.Lock()
	defer m.runningMu.Unlock()
	info := m.info
	if r := m.running; r.device != "" {
		info.Device, info.Kernels = r.device, r.kernels
		if info.Q8 != nil { // the GPU unpacks int8 weights and leaves rows as they are
			info.Q8 = &Q8Info{Rows: "float32"}
		}
	}
	info.Fallback, info.GPU = m.running.fallback, m.running.gpu
	return info
}

// Close frees the model's memory after the running call has ended. Later calls fail with
// fault.Closed; closing twice is fine.
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gpu != nil {
		m.gpu.machine.Close()
	}
	m.closed, m.towers, m.machine, m.gpu, m.tokens = true, nil, nil, nil, nil
	m.labels = labelCache{}
	return nil
}

// begin takes the model for one call and checks the call's options, a pointer to their
// struct or nil. The caller ends the call with m.mu.Unlock.
func (m *Model) begin(ctx context.Context, options any) error {
	m.mu.Lock()
	err := context.Cause(ctx)
	if m.closed {
		err = fault.New(fault.Closed, "model", "it is closed; load it again")
	}
	if err == nil && options != nil {
		err = checkOptions(options)
	}
	if err != nil {
		m.mu.Unlock()
	}
	return err
}

// beginImage is begin for a call that takes a picture.
func (m *Model) beginImage(ctx context.Context, call string, options any) error {
	err := m.begin(ctx, options)
	if err == nil && m.arch.Vision == nil {
		m.mu.Unlock()
		err = fault.New(fault.Task, call, "%s has no picture tower; it can embed and tokenize texts", m.arch.Title())
	}
	return err
}

// run is a Run that ends with the context; encode gives it a machine.
func (m *Model) run(ctx context.Context, tap encoder.Tap) encoder.Run {
	return encoder.Run{Group: m.group, Tap: tap, Step: func() error {
		if m.pause != nil {
			if err := m.pause(); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	}}
}

func (m *Model) encodePictures(ctx context.Context, run encoder.Run, pictures []encoder.Picture) error {
	last := "embedding"
	if m.towers.Vision.Readout == encoder.ReadNone {
		last = "last"
	}
	return m.encode(ctx, work{
		kind: "picture", layers: m.towers.Vision.Layers, last: last, run: run,
		all: func(r encoder.Run) error { return m.towers.Vision.Encode(r, pictures) },
		one: func(r encoder.Run) error { return m.towers.Vision.Encode(r, pictures[:min(1, len(pictures))]) },
	})
}

func (m *Model) encodeTexts(ctx context.Context, run encoder.Run, ids [][]int32) error {
	return m.encode(ctx, work{
		kind: "text", layers: m.towers.Text.Layers, last: "embedding", run: run,
		all: func(r encoder.Run) error { return m.towers.Text.Encode(r, ids) },
		one: func(r encoder.Run) error { return m.towers.Text.Encode(r, ids[:min(1, len(ids))]) },
	})
}

func (m *Model) needText(call string) error {
	if m.towers.Text == nil {
		return fault.New(fault.Task, call, "%s has no text tower; this needs a model like CLIP or SigLIP", m.arch.Title())
	}
	return nil
}
