package gpu

import "slices"

// paramsStep is the distance between the parameters of two dispatches: WebGPU's
// largest minUniformBufferOffsetAlignment.
const paramsStep = 256

// record is a run as it is noted: commands whose groups of a plan (Run) and
// results buffer (To) are still open, and their parameters.
type record struct {
	commands []Command
	params   []byte
	results  int // values that are copied out
	attend   attendRun
}

// attendRun is the last dispatch of attention, if nothing was noted since.
type attendRun struct {
	next   int // number of commands then; 0: none
	params attendParams
	grid   grid
	count  int // segments
}

func (r *record) reset() {
	r.commands, r.params, r.results, r.attend = r.commands[:0], r.params[:0], 0, attendRun{}
}

func (r *record) dispatch(pipeline int, params []byte, weights Group, g grid) {
	at := len(r.params)
	r.params = slices.Grow(r.params, paramsStep)[:at+paramsStep]
	clear(r.params[at+copy(r.params[at:], params):])
	r.commands = append(r.commands, Command{Kind: Dispatch, Pipeline: pipeline, Params: at, Weights: weights, X: g.x, Y: g.y, Z: g.z})
}

// copyOut notes that size values of the arena go to the end of the results.
func (r *record) copyOut(at, size int) {
	r.commands = append(r.commands, Command{Kind: CopyBuffer, FromAt: 4 * at, ToAt: 4 * r.results, Size: 4 * size})
	r.results += size
}

func (r *record) noteAttend(p attendParams, g grid) {
	r.attend = attendRun{len(r.commands), p, g, 1}
}

// joinAttend makes a segment part of the dispatch before it, where it is the next
// in a row of equal ones.
func (r *record) joinAttend(p attendParams, g grid) bool {
	a := &r.attend
	if a.next == 0 || a.next != len(r.commands) || g != a.grid || (a.count+1)*g.z > need.Groups {
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
