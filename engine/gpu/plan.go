package gpu

import (
	"bytes"
	"slices"

	"vitrine/engine/fault"
	"vitrine/engine/kernel"
)

// plan is a recorded run on the device, with the buffers and bind group of its own.
type plan struct {
	record
	buffer  Buffer // of the parameters
	group   BindGroup
	results Buffer
	program Program
}

// maxPlans is the largest number of plans kept. Texts need one per length.
const maxPlans = 16

// Finish runs the operations recorded since Reset or the last Finish, in one submission,
// and calls the takes. It then drops the record; the matrices stay. Its errors have the
// code device.
func (m *Machine) Finish() error {
	if m.inScope {
		m.inScope = false
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
			return fault.New(fault.Device, "webgpu", "%s computed a value that is NaN or infinite", m.dev.About().Name)
		}
	}
	for _, r := range m.reads {
		r.take(kernel.StridedMat(result[r.at:], r.x.Rows, r.x.Cols, r.x.Stride))
	}
	m.inputs, m.reads = m.inputs[:0], m.reads[:0]
	m.record.reset()
	return nil
}

// plan gives the plan of this run. If there is none, it makes one and drops the one that
// has not been used for longest.
func (m *Machine) plan() (*plan, error) {
	if err := m.growArena(); err != nil {
		return nil, err
	}
	for i, p := range m.plans {
		if p.record.results == m.record.results && slices.Equal(p.commands, m.record.commands) && bytes.Equal(p.params, m.record.params) {
			copy(m.plans[i:], m.plans[i+1:])
			m.plans[len(m.plans)-1] = p
			return p, nil
		}
	}
	if len(m.plans) >= maxPlans {
		m.drop(m.plans[0])
		m.plans = append(m.plans[:0], m.plans[1:]...)
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

// Forget frees the plan of the last run, for a run that will not be repeated.
func (m *Machine) Forget() {
	if n := len(m.plans); n > 0 {
		m.drop(m.plans[n-1])
		m.plans = m.plans[:n-1]
	}
}

// drop frees what a plan has on the device.
func (m *Machine) drop(p *plan) {
	m.dev.FreeProgram(p.program)
	m.dev.FreeGroup(p.group)
	m.dev.Free(p.buffer)
	m.dev.Free(p.results)
}

// growArena makes the arena as large as this run needs. A new arena drops all plans,
// whose bind groups refer to the old one.
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

// Close frees everything on the device.
func (m *Machine) Close() { m.dev.Close() }
