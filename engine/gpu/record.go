package gpu

import "slices"

// paramsStep is the distance in bytes between the parameters of two dispatches: WebGPU's
// largest minUniformBufferOffsetAlignment.
const paramsStep = 256

// record is a recorded run: its commands and their parameters. A plan sets the bind group
// (Run) of dispatches and the buffers (From, To) of copies.
type record struct {
	commands []Command
	params   []byte
	results  int // number of values that are copied out
	attend   attendRun
}

// attendRun is the last dispatch of attention.
type attendRun struct {
	next   int // the number of commands after it was recorded; 0: there is none
	params attendParams
	grid   grid // of one segment
	count  int  // segments
}

func (r *record) reset() {
	r.commands, r.params, r.results, r.attend = r.commands[:0], r.params[:0], 0, attendRun{}
}

func (r *record) dispatch(pipeline int, params []byte, weights BindGroup, g grid) {
	at := len(r.params)
	r.params = slices.Grow(r.params, paramsStep)[:at+paramsStep]
	clear(r.params[at+copy(r.params[at:], params):])
	r.commands = append(r.commands, Command{Kind: Dispatch, Pipeline: pipeline, Params: at, Weights: weights, X: g.x, Y: g.y, Z: g.z})
}

// copyOut records a copy of size values of the arena, from value at on, to the end of
// the results.
func (r *record) copyOut(at, size int) {
	r.commands = append(r.commands, Command{Kind: CopyBuffer, FromAt: 4 * at, ToAt: 4 * r.results, Size: 4 * size})
	r.results += size
}

// setAttend makes the last command the one that joinAttend extends.
func (r *record) setAttend(p attendParams, g grid) {
	r.attend = attendRun{len(r.commands), p, g, 1}
}

// joinAttend adds a segment to the last command and gives true, if that is attention of
// equal segments at equal distances of which this is the next.
func (r *record) joinAttend(p attendParams, g grid) bool {
	a := &r.attend
	if a.next == 0 || a.next != len(r.commands) || g != a.grid || (a.count+1)*g.z > need.Workgroups {
		return false
	}
	first, n := a.params, uint32(a.count)
	if n == 1 {
		first.qSegment, first.kSegment, first.dstSegment = p.q-first.q, p.k-first.k, p.dst-first.dst
	}
	want := first
	want.q += n * first.qSegment
	want.k += n * first.kSegment
	want.v += n * first.kSegment
	want.dst += n * first.dstSegment
	p.qSegment, p.kSegment, p.dstSegment = first.qSegment, first.kSegment, first.dstSegment
	if p != want {
		return false
	}
	a.params, a.count = first, a.count+1
	command := &r.commands[len(r.commands)-1]
	command.Z = a.count * g.z
	copy(r.params[command.Params:], bytesOf(&a.params))
	return true
}
