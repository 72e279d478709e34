package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"math"
	"sync"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/gpu"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
	"vitrine/engine/tokenizer"
	"vitrine/engine/weights"
)

// Bounds on small files. The largest real one is Gemma's tokenizer.json, 33 MB.
const (
	maxConfigBytes    = 4 << 20
	maxTokenizerBytes = 64 << 20
)

// Load reads a model folder: config.json, preprocessor_config.json,
// model.safetensors or its shards, and the tokenizer's files. The weights are
// streamed into their packed places; what they don't need is skipped. A failure
// leaves nothing behind.
func Load(ctx context.Context, folder weights.Folder, o Options) (*Model, error) {
	dtype, err := o.dtype()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	l := loader{ctx: ctx, folder: folder, options: o, dtype: dtype, text: &text{}}
	defer l.text.reading.Wait()
	defer cancel()
	if err := l.open(); err != nil {
		return nil, err
	}
	m, err := l.model()
	if l.gpu != nil && !o.DemandGPU && fault.CodeOf(err) == fault.Device { // no room for the weights
		l.close()
		l.gpuErr, l.options.GPU = err, nil
		if err = l.open(); err == nil {
			m, err = l.model()
		}
	}
	if err != nil {
		l.close()
		return nil, err
	}
	l.checkpoint.Close()
	return m, nil
}

// dtype is the form in which the blocks keep their weights. The patch embedding,
// norms, heads and projections stay in float32: together they are a few
// percent, and what they lose can't be made up for.
func (o Options) dtype() (kernel.DType, error) {
	switch o.DType {
	case "", "auto", "f32":
		return kernel.F32, nil
	case "f16":
		return kernel.F16, nil
	case "q8":
		return kernel.Q8, nil
	}
	return 0, fault.New(fault.Option, "dtype", "found %q, supported are auto, f32, f16, q8", o.DType)
}

func (o Options) set() *kernel.Set {
	if o.Set != nil {
		return o.Set
	}
	sets := kernel.Sets()
	return &sets[len(sets)-1]
}

func (o Options) share(index int) encoder.Share {
	return encoder.Share{Index: index, Count: max(o.Workers, 1)}
}

type loader struct {
	ctx        context.Context
	folder     weights.Folder
	options    Options
	dtype      kernel.DType
	arch       *architecture
	pixels     pixels.Config
	pixelsErr  error
	checkpoint *weights.Checkpoint

	text   *text        // nil where no tokenizer is wanted
	gpu    *gpu.Machine // or nil
	gpuErr error        // why there is none, where one was wanted
}

// text is the tokenizer, which is read while the weights come.
type text struct {
	begin   sync.Once
	reading sync.WaitGroup
	tokens  tokenizer.Tokenizer
	err     error
}

// open asks for the three files that every model has, all at once.
func (l *loader) open() error {
	folder := l.folder
	if l.options.Integrity != "" {
		sum, err := weights.ParseSHA256(l.options.Integrity)
		if err != nil {
			return err
		}
		folder = weights.Verified(folder, map[string][sha256.Size]byte{"model.safetensors": sum})
	}
	var configErr, weightsErr error
	var wait sync.WaitGroup
	wait.Go(func() {
		if configErr = l.readConfig(); configErr == nil {
			l.beginTokenizer()
			l.openGPU()
		}
	})
	wait.Go(func() { l.readPixels() })
	wait.Go(func() { l.checkpoint, weightsErr = weights.Open(l.ctx, folder) })
	wait.Wait()
	demanded := l.gpuErr
	if !l.options.DemandGPU {
		demanded = nil
	}
	for _, err := range []error{context.Cause(l.ctx), configErr, l.fatalPixels(), weightsErr, demanded} {
		if err != nil {
			l.close()
			return err
		}
	}
	return nil
}

// close gives back what open took, but for the GPU of a model.
func (l *loader) close() {
	if l.checkpoint != nil {
		l.checkpoint.Close()
		l.checkpoint = nil
	}
	l.closeGPU()
}

func (l *loader) closeGPU() {
	if l.gpu != nil {
		l.gpu.Close()
		l.gpu = nil
	}
}

// gpuWork is how many multiply-adds a picture must cost before a GPU that nobody
// demanded is worth its start, about a tenth of a second for the device and its
// shaders. A CPU with SIMD does this in some 20 ms.
const gpuWork = 5e8

// openGPU opens the GPU and compiles its shaders, while the other files are on
// their way.
func (l *loader) openGPU() {
	if l.options.GPU == nil || !l.options.DemandGPU && !l.options.anyWork && l.arch.vision.work() < gpuWork {
		return
	}
	if n := l.options.Workers; n > 1 {
		if !l.options.DemandGPU {
			return // who names workers means the CPU
		}
		l.gpuErr = fault.New(fault.Option, "workers", "found %d; a GPU works without them, so leave workers out", n)
		return
	}
	device, err := l.options.GPU(l.ctx)
	if err == nil && device.About().Software && !l.options.DemandGPU {
		device.Close()
		err = fault.New(fault.Device, "webgpu", "%s only plays a GPU, so the CPU is faster", device.About().Name)
	}
	if err == nil {
		l.gpu, err = gpu.New(device, l.dtype)
		if err != nil {
			device.Close()
		}
	}
	l.gpuErr = err
}

// checkWorkers refuses more shares than there are heads to share.
func (l *loader) checkWorkers() error {
	heads := l.arch.maxWorkers()
	if n := l.options.Workers; n < 0 || n > heads {
		return fault.New(fault.Option, "workers", "found %d; this model has %d heads, so supported are 1 to %d", n, heads, heads)
	}
	return nil
}

// split cuts the model into shares, where it is left to Options.Split.
func (l *loader) split() error {
	if l.options.Split == nil || l.gpu != nil {
		return nil
	}
	var err error
	speed := 1.0
	if l.dtype == kernel.Q8 {
		speed = q8Speed(l.options.set().Q8Rows())
	}
	l.options.Workers, l.options.Peers, err = l.options.Split(l.arch.cost(speed))
	if err != nil {
		return err
	}
	return l.checkWorkers()
}

func (l *loader) readConfig() error {
	data, err := weights.ReadFile(l.ctx, l.folder, "config.json", fault.Config, maxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, l.folder.Name(), "has no config.json; name a folder laid out as on Hugging Face: %w", err)
	}
	if err != nil {
		return err
	}
	if l.arch, err = parseConfig(data); err != nil {
		return err
	}
	if l.arch.packed {
		if l.dtype, err = l.options.packedDType(); err != nil {
			return err
		}
	}
	return l.checkWorkers()
}

func (l *loader) readPixels() {
	data, err := weights.ReadFile(l.ctx, l.folder, "preprocessor_config.json", fault.Config, maxConfigBytes)
	if err == nil {
		l.pixels, err = pixels.ParseConfig(data)
	}
	l.pixelsErr = err
}

// fatalPixels: a folder without preprocessor_config.json still takes
// pixelValues; a broken file is an error.
func (l *loader) fatalPixels() error {
	if !errors.Is(l.pixelsErr, fs.ErrNotExist) {
		return l.pixelsErr
	}
	l.pixelsErr = fault.New(fault.NotFound, l.folder.Name(), "has no preprocessor_config.json, so pictures can't be prepared; give pixelValues, or add the file: %w", l.pixelsErr)
	return nil
}

// model streams the weights.
func (l *loader) model() (*Model, error) {
	if err := l.split(); err != nil {
		return nil, err
	}
	set := l.options.set()
	workers := max(l.options.Workers, 1)
	cpu := encoder.NewCPU(*set, l.options.Peers)
	m := &Model{arch: l.arch, pixels: l.pixels, pixelsErr: l.pixelsErr, machine: cpu, peers: l.options.Peers, pause: l.options.Pause}

	b, t, err := l.bind()
	if err != nil {
		return nil, err
	}
	if l.gpu != nil {
		b.ready = l.gpu.Own
	}
	bytes, err := l.stream(b)
	if err != nil {
		return nil, err
	}
	l.text.reading.Wait()
	m.tokens, m.tokensErr = l.text.tokens, l.text.err
	if err := b.finish(l.folder.Name()); err != nil {
		return nil, err
	}
	// A folder without a tokenizer still ranks nothing, but sees.
	if m.tokensErr != nil && fault.CodeOf(m.tokensErr) != fault.NotFound {
		return nil, m.tokensErr
	}
	m.towers = t
	m.source = source{l.folder, l.options, l.dtype, l.arch}
	m.info = describe(l.arch, t, l.pixels, set.Name, l.dtype.String(), workers, b.count, bytes)
	if l.dtype == kernel.Q8 {
		m.info.Q8 = &Q8Info{Rows: set.Q8Rows()}
	}
	if l.gpu != nil {
		m.gpu = &watched{machine: l.gpu, cpu: cpu, demanded: l.options.DemandGPU, calls: map[string]int{}, clock: l.options.clock}
		if m.gpu.clock == nil {
			m.gpu.clock = time.Now
		}
	}
	m.running = m.describeDevice(l.gpuErr)
	if b.keepRest {
		return m, m.measureQ8(l.ctx, b.q8())
	}
	return m, nil
}

// bind says where the tensors of the checkpoint go.
func (l *loader) bind() (*binder, *towers, error) {
	b := newBinder(l.checkpoint.Names(), l.dtype)
	b.packed = l.arch.packed
	b.keepRest = l.dtype == kernel.Q8 && !b.packed && l.options.MeasureQ8 && l.gpu == nil
	t, err := bindModel(l.arch, b, l.options.share(0))
	if err == nil {
		err = b.missing(l.folder.Name())
	}
	return b, t, err
}

// source is where a model came from.
type source struct {
	folder  weights.Folder
	options Options
	dtype   kernel.DType
	arch    *architecture
}

// again loads the weights once more, for the CPU.
func (s source) again(ctx context.Context) (*towers, error) {
	s.options.GPU, s.options.Progress, s.options.MeasureQ8 = nil, nil, false
	l := loader{ctx: ctx, folder: s.folder, options: s.options, dtype: s.dtype, arch: s.arch}
	if err := l.open(); err != nil {
		return nil, err
	}
	defer l.close()
	b, t, err := l.bind()
	if err == nil {
		_, err = l.stream(b)
	}
	if err == nil {
		err = b.finish(l.folder.Name())
	}
	return t, err
}

// stream reads all weights and gives their bytes.
func (l *loader) stream(b *binder) (int64, error) {
	var bytes int64
	var pauseErr error
	ctx, stop := context.WithCancelCause(l.ctx)
	defer stop(nil)
	err := l.checkpoint.Stream(ctx, b.target, func(done, total int64) {
		bytes = done
		if l.options.Progress != nil {
			l.options.Progress(done, total)
		}
		if l.options.Pause != nil {
			if pauseErr = l.options.Pause(); pauseErr != nil {
				stop(pauseErr)
			}
		}
	})
	return bytes, err
}

func (l *loader) beginTokenizer() {
	if l.text == nil || l.arch.text == nil {
		return
	}
	a := l.arch
	l.text.begin.Do(func() {
		l.text.reading.Go(func() { l.text.tokens, l.text.err = l.readTokenizer(a) })
	})
}

func (l *loader) readTokenizer(a *architecture) (tokenizer.Tokenizer, error) {
	read := func(ctx context.Context, name string) ([]byte, error) {
		return weights.ReadFile(ctx, l.folder, name, fault.Tokenizer, maxTokenizerBytes)
	}
	t, err := tokenizer.Load(l.ctx, read, tokenizer.Options{MaxLength: a.text.places, Family: a.tokenizerFamily()})
	if err == nil && t.Size() > a.text.vocab {
		err = fault.New(fault.Tokenizer, l.folder.Name(), "its tokenizer has %d ids, but config.json's vocab_size is %d; the two files don't belong together", t.Size(), a.text.vocab)
	}
	return t, err
}

func (a *architecture) tokenizerFamily() tokenizer.Family {
	switch a.family.modelType {
	case "siglip":
		return tokenizer.SigLIP
	case "siglip2":
		return tokenizer.SigLIP2
	}
	return tokenizer.CLIP
}

// Logits scales cosines as upstream does: cosine·exp(logit_scale) + logit_bias.
func (m *Model) Logits(similarities []float64) []float64 {
	scale := math.Exp(float64(m.towers.scale))
	out := make([]float64, len(similarities))
	for i, s := range similarities {
		out[i] = s*scale + float64(m.towers.bias)
	}
	return out
}

// describe fills in Info.
func describe(a *architecture, t *towers, p pixels.Config, set, dtype string, workers int, parameters, bytes int64) Info {
	c := a.vision
	info := Info{
		Architecture: a.name, ModelType: a.family.modelType, Device: "simd", Workers: workers, DType: dtype, Kernels: set,
		Parameters: parameters, Bytes: bytes, Classes: a.labels.n,
		Shapes: Shapes{
			Image: [2]int{c.height, c.width}, Patch: c.patch, Grid: [2]int{c.grid.Rows, c.grid.Columns},
			Prefix: c.prefix(), Width: c.Width, Layers: c.Layers, Heads: c.Heads,
		},
	}
	if set == kernel.Scalar.Name {
		info.Device = "scalar"
	}
	info.Preprocess = sightOf(p)
	s := &info.Shapes
	s.Tokens = s.Prefix + c.grid.Patches()
	if c.family.naflex {
		s.MaxPatches = p.MaxPatches
	}
	readout := a.llava == nil && (c.family.readout != encoder.ReadMap || c.head || a.classes)
	if readout {
		s.Embedding = c.Width
		if t.vision.Projection != nil {
			s.Embedding = t.vision.Projection.Out
		}
		info.Tasks = append(info.Tasks, "embedImage", "embedImages")
	}
	if a.text != nil {
		s.TextLength, s.TextLayers, s.Vocabulary = a.text.places, a.text.Layers, a.text.vocab
		info.Tasks = append(info.Tasks, "embedText", "embedTexts", "rank", "tokenize")
	}
	if a.classes {
		info.Tasks = append(info.Tasks, "classify")
	}
	if a.text != nil || a.classes && t.vision.Readout == encoder.ReadClass && !t.vision.ClassifierMean {
		info.Tasks = append(info.Tasks, "relevance")
	}
	info.Tasks = append(info.Tasks, "attention", "features", "trace")
	if a.llava != nil {
		s.Slots = a.slots(c.grid)
		info.Tasks = append(info.Tasks, "visualTokens")
	}
	return info
}

// sightOf tells what of a picture a model with that configuration sees.
func sightOf(p pixels.Config) Sight {
	s := Sight{Resize: "none", Crop: [2]int{p.CropHeight, p.CropWidth}}
	switch {
	case p.NaFlex:
		s.Resize = "naflex"
	case p.Resize && p.ShortestEdge > 0:
		s.Resize, s.Edge = "shortest-edge", p.ShortestEdge
	case p.Resize:
		s.Resize, s.Size = "squash", [2]int{p.Height, p.Width}
	}
	return s
}
