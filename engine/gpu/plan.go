package gpu

import (
	"bytes"
	"slices"

	"vitrine/engine/fault"
	"vitrine/engine/kernel"
)

// plan is a run on the device: its commands, with the buffers and the group that
// are its own.
type plan struct {
	record
	buffer  Buffer // of the parameters
	group   Group
	results Buffer
	program Program
}

// maxPlans bounds how many shapes are remembered: texts have one a length.
const maxPlans = 16

// Finish runs what was noted since Reset, or since it was called last, in one
// submission, and calls the takes. What was noted is gone then; the matrices stay.
func (m *Machine) Finish() error {
	if m.watched {
		m.watched = false
		if err := m.dev.End(); err != nil {
			m.fail(err)
		}
	}
	if m.err != nil || len(m.reads) == 0 {
		return m.err
	}
	p, err := m.plan()
	if err != nil {
		return err
	}
	for _, in := range m.inputs {
		m.dev.Write(m.arena, 4*in.at, sliceBytes(in.values))
	}
	if cap(m.result) < p.record.results {
		m.result = make([]float32, p.record.results)
	}
	result := m.result[:p.record.results]
	if err := m.dev.Run(p.program, p.results, sliceBytes(result)); err != nil {
		return err
	}
	for _, v := range result {
		if v-v != 0 {
			return fault.New(fault.Device, "webgpu", "%s computed a value that is no number", m.dev.About().Name)
		}
	}
	for _, r := range m.reads {
		r.take(kernel.StridedMat(result[r.at:], r.x.Rows, r.x.Cols, r.x.Stride))
	}
	m.inputs, m.reads = m.inputs[:0], m.reads[:0]
	m.record.reset()
	return nil
}

// plan finds the plan of this run, or makes it.
func (m *Machine) plan() (*plan, error) {
	if err := m.growArena(); err != nil {
		return nil, err
	}
	for i, p := range m.plans {
		if p.record.results == m.record.results && slices.Equal(p.commands, m.record.commands) && bytes.Equal(p.params, m.record.params) {
			m.plans = append(slices.Delete(m.plans, i, i+1), p)
			return p, nil
		}
	}
	if len(m.plans) >= maxPlans {
		m.drop(m.plans[0])
		m.plans = slices.Delete(m.plans, 0, 1)
	}
	r := m.record
	p := &plan{record: record{commands: slices.Clone(r.commands), params: bytes.Clone(r.params), results: r.results}}
	m.dev.Begin()
	p.buffer = m.dev.Buffer(max(len(r.params), paramsStep), UseParams)
	p.results = m.dev.Buffer(4*r.results, UseResults)
	m.dev.Write(p.buffer, 0, r.params)
	p.group = m.dev.RunGroup(m.arena, p.buffer)
	commands := slices.Clone(r.commands)
	for i := range commands {
		if commands[i].Kind == Dispatch {
			commands[i].Run = p.group
		} else {
			commands[i].From, commands[i].To = m.arena, p.results
		}
	}
	p.program = m.dev.Program(commands)
	if err := m.dev.End(); err != nil {
		m.drop(p)
		return nil, err
	}
	m.plans = append(m.plans, p)
	return p, nil
}

// Forget gives back the plan of the last run: one of its kind is not expected.
func (m *Machine) Forget() {
	if n := len(m.plans); n > 0 {
		m.drop(m.plans[n-1])
		m.plans = m.plans[:n-1]
	}
}

func (m *Machine) drop(p *plan) {
	m.dev.FreeProgram(p.program)
	m.dev.FreeGroup(p.group)
	m.dev.Free(p.buffer)
	m.dev.Free(p.results)
}

// growArena makes the arena as large as this run needs. Plans are bound to the
// arena they were made with.
func (m *Machine) growArena() error {
	if m.used <= m.arenaSize {
		return nil
	}
	l := m.dev.About().Limits
	if most := min(l.BindingSize, l.BufferSize); 4*m.used > most || 4*m.record.results > l.BufferSize {
		return fault.New(fault.Device, "webgpu", "a run with %d MB of values is %w (%d MB)", max(m.used, m.record.results)>>18, ErrTooBig, most>>20)
	}
	for _, p := range m.plans {
		m.drop(p)
	}
	m.plans = m.plans[:0]
	if m.arenaSize > 0 {
		m.dev.Free(m.arena)
	}
	m.arenaSize = 0
	m.dev.Begin()
	m.arena = m.dev.Buffer(4*m.used, UseArena)
	if err := m.dev.End(); err != nil {
		m.dev.Free(m.arena)
		return err
	}
	m.arenaSize = m.used
	return nil
}

// Close gives everything back.
func (m *Machine) Close() { m.dev.Close() }
