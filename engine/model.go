package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
	"vitrine/engine/tokenizer"
)

// Model is a loaded model. Its methods may be called from several goroutines;
// they run one after the other, each on all cores.
type Model struct {
	mu      sync.Mutex
	closed  bool
	arch    *architecture
	info    Info
	towers  *towers
	machine encoder.Machine
	peers   encoder.Peers
	pause   func() error
	source  source

	gpu       *watched      // or nil
	refused   error         // why a demanded GPU is no more
	fallbacks int           // how often a GPU was given up
	waitedFor time.Duration // how long calls waited for a GPU that was given up
	runningMu sync.Mutex
	running   running

	pixels    pixels.Config
	pixelsErr error // why there is none
	tokens    tokenizer.Tokenizer
	tokensErr error
	labels    labelCache
}

// Info describes the model, and what runs it now.
func (m *Model) Info() Info {
	m.runningMu.Lock()
	defer m.runningMu.Unlock()
	info := m.info
	if r := m.running; r.device != "" {
		info.Device, info.Kernels = r.device, r.kernels
		if info.Q8 != nil { // unpacked there, so that nothing happens to rows
			info.Q8 = &Q8Info{Rows: "float32"}
		}
	}
	info.Fallback, info.GPU = m.running.fallback, m.running.gpu
	return info
}

// Close gives the memory back. Calls after it fail with fault.Closed; closing
// twice is fine. A running call ends first.
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

// begin takes the model for one call; the caller ends it with m.mu.Unlock.
func (m *Model) begin(ctx context.Context) error {
	m.mu.Lock()
	var err error
	if m.closed {
		err = fault.New(fault.Closed, "model", "it is closed; load it again")
	} else {
		err = context.Cause(ctx)
	}
	if err != nil {
		m.mu.Unlock()
	}
	return err
}

// run is a Run that watches the context; encode gives it a machine.
func (m *Model) run(ctx context.Context, tap encoder.Tap) encoder.Run {
	return encoder.Run{Peers: m.peers, Tap: tap, Step: func() error {
		if m.pause != nil {
			if err := m.pause(); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	}}
}

// capture is a Tap that copies some intermediates: [name][segment].
type capture struct {
	names  []string
	values map[string][]kernel.Mat
}

func capturing(names ...string) *capture {
	return &capture{names: names, values: map[string][]kernel.Mat{}}
}

func (c *capture) Wants(name string) bool { return slices.Contains(c.names, name) }

func (c *capture) Take(name string, segment int, values kernel.Mat) {
	c.values[name] = append(c.values[name], values.Clone())
}

// prepared is a picture ready for the tower.
type prepared struct {
	input      pixels.Input
	grid       encoder.Grid
	experiment Experiment
	ms         Ms
}

// prepare preprocesses a picture, or checks values that were preprocessed.
func (m *Model) prepare(img Image, o ImageOptions) (prepared, error) {
	start := time.Now()
	p := prepared{}
	switch {
	case img.picture != nil && img.values == nil:
		if m.pixelsErr != nil {
			return p, m.pixelsErr
		}
		var err error
		p.input, err = m.pixels.Process(*img.picture, pixels.Options{Height: o.Size[0], Width: o.Size[1], MaxPatches: o.MaxPatches})
		if err != nil {
			return p, err
		}
	case img.values != nil && img.picture == nil:
		if o.Size != [2]int{} || o.MaxPatches != 0 {
			return p, fault.New(fault.Option, "size", "pixelValues have their size already; leave out size and maxPatches")
		}
		p.input = *img.values
	default:
		return p, fault.New(fault.Picture, "image", "is empty; make it with FromImage or FromValues")
	}
	if err := m.place(&p); err != nil {
		return p, err
	}
	if o.Experiment != nil {
		p.experiment = *o.Experiment
		if err := p.experiment.check(p.grid.Patches()); err != nil {
			return p, err
		}
	}
	p.ms.Preprocess = milliseconds(start)
	return p, nil
}

// place finds the grid of an input and checks that the model can take it.
func (m *Model) place(p *prepared) error {
	c := m.arch.vision
	in := &p.input
	if in.Rows > 0 {
		p.grid = encoder.Grid{Rows: in.Rows, Columns: in.Columns}
		if !c.family.naflex {
			return fault.New(fault.Picture, "pixelValues", "are patches [rows·columns, 3·patch²], but this model takes [3, height, width]")
		}
		if want := p.grid.Patches() * 3 * c.patch * c.patch; len(in.Values) != want {
			return fault.New(fault.Picture, "pixelValues", "%d values for a grid of %d×%d; patches of %d×%d pixels make %d", len(in.Values), in.Rows, in.Columns, c.patch, c.patch, want)
		}
	} else {
		p.grid = encoder.Grid{Rows: in.Height / c.patch, Columns: in.Width / c.patch}
	}
	if n := p.grid.Patches(); n < 1 || n > maxPatches {
		return fault.New(fault.Picture, "image", "%d×%d pixels make a grid of %d×%d patches of %d pixels; supported are 1 to %d patches", in.Height, in.Width, p.grid.Rows, p.grid.Columns, c.patch, maxPatches)
	}
	return nil
}

// maxPatches bounds a picture: attention over 2¹⁴ tokens already takes 1 GB
// where its map is asked for.
const maxPatches = 1 << 14

// picture is p as the encoder takes it.
func (m *Model) picture(p prepared) encoder.Picture {
	c := m.arch.vision
	return encoder.Picture{Grid: p.grid, Patches: func(dst kernel.Mat) {
		values := dst.Dense()
		switch {
		case p.input.Rows > 0:
			values = p.input.Values
		case c.family.naflex: // a fixed size for a tower whose patches are in row, column, channel order
			pixels.PatchifyHWC(values, p.input.Values, p.input.Height, p.input.Width, c.patch)
		default:
			pixels.Patchify(values, p.input.Values, p.input.Height, p.input.Width, c.patch)
		}
		dst.SetDense(values)
		p.experiment.reorder(dst)
	}}
}

// see runs one picture through the tower.
func (m *Model) see(ctx context.Context, img Image, o ImageOptions, tap encoder.Tap) (prepared, error) {
	p, err := m.prepare(img, o)
	if err != nil {
		return p, err
	}
	start, waited := time.Now(), m.waited()
	run := m.run(ctx, tap)
	run.NoPositions, run.Causal = p.experiment.NoPositions, p.experiment.Causal
	err = m.encodePictures(ctx, run, []encoder.Picture{m.picture(p)})
	p.ms.Encode = milliseconds(start)
	p.ms.Device = float64(m.waited()-waited) / 1e6
	return p, err
}

func milliseconds(since time.Time) float64 { return float64(time.Since(since)) / 1e6 }

// WatchImages runs pictures through the tower in one batch and shows the tap
// what it wants; encoder.Tap lists the names. It is what every image call is
// made of, for those who want something else.
func (m *Model) WatchImages(ctx context.Context, images []Image, o ImageOptions, tap encoder.Tap) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	run := m.run(ctx, tap)
	if o.Experiment != nil {
		run.NoPositions, run.Causal = o.Experiment.NoPositions, o.Experiment.Causal
	}
	pictures := make([]encoder.Picture, len(images))
	for i, img := range images {
		p, err := m.prepare(img, o)
		if err != nil {
			return err
		}
		pictures[i] = m.picture(p)
	}
	return m.encodePictures(ctx, run, pictures)
}

func (m *Model) encodePictures(ctx context.Context, run encoder.Run, pictures []encoder.Picture) error {
	last := "embedding"
	if m.towers.vision.Readout == encoder.ReadNone {
		last = "last"
	}
	return m.encode(ctx, work{
		kind: "picture", layers: m.towers.vision.Layers, last: last, run: run,
		all: func(r encoder.Run) error { return m.towers.vision.Encode(r, pictures) },
		one: func(r encoder.Run) error { return m.towers.vision.Encode(r, pictures[:min(1, len(pictures))]) },
	})
}

func (m *Model) encodeTexts(ctx context.Context, run encoder.Run, ids [][]int32) error {
	return m.encode(ctx, work{
		kind: "text", layers: m.towers.text.Layers, last: "embedding", run: run,
		all: func(r encoder.Run) error { return m.towers.text.Encode(r, ids) },
		one: func(r encoder.Run) error { return m.towers.text.Encode(r, ids[:min(1, len(ids))]) },
	})
}

// WatchTexts is WatchImages for rows of token ids.
func (m *Model) WatchTexts(ctx context.Context, ids [][]int32, tap encoder.Tap) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if err := m.needText("texts"); err != nil {
		return err
	}
	for _, row := range ids {
		for _, id := range row {
			if id < 0 || int(id) >= m.arch.text.vocab {
				return fault.New(fault.Option, "ids", "found %d, the vocabulary has 0 to %d", id, m.arch.text.vocab-1)
			}
		}
		if len(row) < 1 || len(row) > m.arch.text.places {
			return fault.New(fault.Option, "ids", "found %d ids, supported are 1 to %d", len(row), m.arch.text.places)
		}
	}
	return m.encodeTexts(ctx, m.run(ctx, tap), ids)
}

func (m *Model) needText(call string) error {
	if m.towers.text == nil {
		return fault.New(fault.Task, call, "%s has no text tower; this needs a model like CLIP or SigLIP", m.name())
	}
	return nil
}

// name is what errors call the model.
func (m *Model) name() string {
	if m.arch.name != "" {
		return m.arch.name
	}
	return m.arch.family.modelType
}
