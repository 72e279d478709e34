package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"vitrine/engine/bind"
	"vitrine/engine/encoder"
	"vitrine/engine/family"
	"vitrine/engine/fault"
	"vitrine/engine/gpu"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
	"vitrine/engine/tokenizer"
	"vitrine/engine/weights"
)

// Bounds on small files. The largest real ones are the tokenizer.json of Gemma, 33 MB, and of
// MetaCLIP 2, whose 901,629 pieces take up to 60 MB.
const (
	maxConfigBytes    = 4 << 20
	maxTokenizerBytes = 96 << 20
)

// Load reads a model folder: config.json, preprocessor_config.json, processor_config.json,
// the weights as weights.Files has them, and the tokenizer's files. Weights are streamed into their packed form;
// tensors that the model doesn't use are skipped. A failure leaves nothing behind.
func Load(ctx context.Context, folder weights.Folder, o Options) (*Model, error) {
	dtype, err := o.weightsDType()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	l := loader{ctx: ctx, folder: folder, options: o, dtype: dtype, text: &textReader{}}
	defer l.text.reading.Wait()
	defer cancel()
	if err := l.open(); err != nil {
		return nil, err
	}
	m, err := l.model()
	if l.gpu != nil && !o.DemandGPU && fault.CodeOf(err) == fault.Device { // the device has no memory for the weights
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

// weightsDType is the form in which the blocks keep their weights. The patch embedding,
// norms, heads and projections stay in float32: together they are a few percent of the
// weights, and rounding them costs more accuracy than rounding the blocks.
func (o Options) weightsDType() (kernel.DType, error) {
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

// packedDType is weightsDType for a packed file, whose weights are int8.
func (o Options) packedDType() (kernel.DType, error) {
	if o.DType == "f32" || o.DType == "f16" {
		return 0, fault.New(fault.Option, "dtype", "found %q, but config.json's quantization_config says that the weights are int8; use auto or q8", o.DType)
	}
	return kernel.Q8, nil
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
	ctx            context.Context
	folder         weights.Folder
	options        Options
	dtype          kernel.DType
	arch           *family.Architecture
	config         []byte // the file that arch was read from
	inside         string // the folder inside the one that was given, which has the model; or ""
	pixels         pixels.Config
	pixelsErr      error
	pixelsDenied   error // a file of the image processor that the host refuses to give
	pixelsWarnings []string
	checkpoint     *weights.Checkpoint

	text   *textReader  // nil: don't read the tokenizer
	gpu    *gpu.Machine // or nil
	gpuErr error        // why there is no GPU although one was asked for
}

// textReader reads the tokenizer while the weights are on their way.
type textReader struct {
	begin   sync.Once
	reading sync.WaitGroup
	tokens  tokenizer.Tokenizer
	err     error
}

// open requests config.json, the files of the image processor and the weights at the same
// time, and the tokenizer's files and a GPU as soon as config.json is there.
func (l *loader) open() error {
	root := l.folder
	verified, err := l.verified(root)
	if err != nil {
		return err
	}
	var configErr, weightsErr, preprocessorErr, processorErr error
	var processor pixels.Files
	var wait sync.WaitGroup
	located, moved := make(chan struct{}), false
	wait.Go(func() {
		configErr = l.readConfig()
		moved = configErr != nil || l.inside != "" || l.arch.Layout != family.Transformers
		close(located)
		if configErr == nil {
			l.beginTokenizer()
			l.openGPU()
		}
	})
	wait.Go(func() { processor.Preprocessor, preprocessorErr = l.optional(root, "preprocessor_config.json") })
	wait.Go(func() { processor.Processor, processorErr = l.optional(root, "processor_config.json") })
	wait.Go(func() { l.checkpoint, weightsErr = weights.Open(l.ctx, firstRound{verified, located, &moved}) })
	wait.Wait()
	if configErr == nil && l.inside != "" {
		processor.Preprocessor, preprocessorErr = l.optional(l.folder, "preprocessor_config.json")
		processor.Processor, processorErr = l.optional(l.folder, "processor_config.json")
	}
	for _, err := range []*error{&preprocessorErr, &processorErr} {
		if weights.Denied(*err) {
			l.pixelsDenied, *err = *err, nil
		}
	}
	if configErr == nil && context.Cause(l.ctx) == nil {
		weightsErr = l.secondRound(weightsErr)
		l.parsePixels(processor)
	}
	if weightsErr == nil && l.options.Integrity != "" && l.checkpoint.Sharded() {
		weightsErr = fault.New(fault.Option, "integrity", "the weights of %s are in several files, which one hash does not cover; leave integrity out", l.folder.Name())
	}
	demanded := l.gpuErr
	if !l.options.DemandGPU {
		demanded = nil
	}
	for _, err := range []error{context.Cause(l.ctx), configErr, preprocessorErr, processorErr, l.fatalPixels(), weightsErr, demanded} {
		if err != nil {
			l.close()
			return err
		}
	}
	if err := l.resolve(); err != nil {
		l.close()
		return err
	}
	return nil
}

// resolve completes the architecture with what the checkpoint holds.
func (l *loader) resolve() error {
	if err := l.arch.Resolve(l.checkpoint.Names()); err != nil {
		return err
	}
	if l.arch.Vision == nil {
		l.pixels, l.pixelsErr, l.pixelsWarnings = pixels.Config{}, nil, nil
	}
	return l.checkWorkers()
}

// secondRound opens what lies elsewhere than open looks for it. err is that of the weights in
// the first round.
func (l *loader) secondRound(err error) error {
	absent := errors.Is(err, fs.ErrNotExist)
	if l.inside == "" && absent && l.arch.Layout != family.OpenCLIP {
		found, wrong := l.preferOpenCLIP()
		if wrong != nil {
			return wrong
		}
		if found {
			l.beginTokenizer()
		}
	}
	if l.inside == "" && (l.arch.Layout == family.Transformers || l.arch.Layout == family.Timm && !absent) {
		return err
	}
	if l.checkpoint != nil { // of a model.safetensors beside
		l.checkpoint.Close()
	}
	return l.openWeights()
}

// close frees what open took.
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

// gpuWork is the multiply-adds of a picture from which on a GPU is worth opening unasked:
// the device and its shaders take about a tenth of a second to start. A CPU with SIMD
// computes this many in some 20 ms.
const gpuWork = 5e8

// openGPU opens the GPU and compiles its shaders while the other files are on their way.
func (l *loader) openGPU() {
	if l.options.GPU == nil || !l.options.DemandGPU && !l.options.anyWork && l.arch.MultiplyAdds() < gpuWork {
		return
	}
	if n := l.options.Workers; n > 1 {
		if !l.options.DemandGPU {
			return // a number of workers asks for the CPU
		}
		l.gpuErr = fault.New(fault.Option, "workers", "found %d; a GPU works without them, so leave workers out", n)
		return
	}
	device, err := l.options.GPU(l.ctx)
	if err == nil && device.About().Software && !l.options.DemandGPU {
		device.Close()
		err = fault.New(fault.Device, "webgpu", "%s is a software adapter, so the CPU is faster", device.About().Name)
	}
	if err == nil {
		l.gpu, err = gpu.New(device, l.dtype)
		if err != nil {
			device.Close()
		}
	}
	l.gpuErr = err
}

// checkWorkers refuses more shares than the model has heads.
func (l *loader) checkWorkers() error {
	heads := l.arch.MaxWorkers()
	if n := l.options.Workers; n < 0 || n > heads {
		return fault.New(fault.Option, "workers", "found %d; this model has %d heads, so supported are 1 to %d", n, heads, heads)
	}
	return nil
}

// split calls Options.Split, if there is one, for the number of shares of the model.
func (l *loader) split() error {
	if l.options.Split == nil || l.gpu != nil {
		return nil
	}
	var err error
	speed := 1.0
	if l.dtype == kernel.Q8 {
		speed = q8Speed(l.options.set().Q8Rows())
	}
	l.options.Workers, l.options.Group, err = l.options.Split(l.arch.Cost(speed))
	if err != nil {
		return err
	}
	return l.checkWorkers()
}

// q8Speed is how much faster products of int8 are than those of floats, by what rows of
// activations become.
func q8Speed(rows string) float64 {
	if rows == "int8" {
		return 3
	}
	return 1.5
}

// optional reads a small file, and gives nil where it is absent; the error tells where the
// host refuses to give it (weights.Denied).
func (l *loader) optional(folder weights.Folder, name string) ([]byte, error) {
	data, err := weights.ReadFile(l.ctx, folder, name, fault.Config, maxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) && !weights.Denied(err) {
		return nil, nil
	}
	return data, err
}

// parsePixels reads the description of the image processor, whose meaning depends on
// config.json.
func (l *loader) parsePixels(files pixels.Files) {
	v := l.arch.Vision
	if v == nil {
		return
	}
	if p := l.arch.Pictures; p != nil { // another library's layout has its own description
		l.pixels = *p
		return
	}
	class, listed := l.arch.ImageProcessor()
	m := pixels.Model{Class: class, Unlisted: !listed}
	if !v.AnySize {
		m.Height, m.Width = v.ImageHeight, v.ImageWidth
	}
	l.pixels, l.pixelsWarnings, l.pixelsErr = pixels.ParseConfig(m, files)
	if l.pixelsErr == nil && l.pixels.NaFlex && !v.NaFlex {
		l.pixelsErr = fault.New(fault.Unsupported, l.folder.Name(), "its image processor is %s, which cuts pictures into patches, but config.json's %s takes whole pictures; use the processor that the model was trained with", l.pixels.Type, l.arch.ModelType)
	}
}

// warnings lists what is odd in the files that were read, the tokenizer's among them.
func (l *loader) warnings() []string {
	list := append(append([]string{}, l.arch.Warnings...), l.pixelsWarnings...)
	if l.pixelsErr != nil {
		list = append(list, l.pixelsErr.Error())
	}
	if l.arch.Text != nil && l.text.tokens != nil {
		list = append(list, l.text.tokens.Warnings()...)
	}
	if l.arch.Text != nil && fault.CodeOf(l.text.err) == fault.NotFound {
		list = append(list, "calls with texts will fail: "+l.text.err.Error())
	}
	return list
}

// fatalPixels is the error of an image processor that can't be used. A folder without
// one loads, and takes pixelValues only; upstream's AutoImageProcessor fails there.
func (l *loader) fatalPixels() error {
	if !errors.Is(l.pixelsErr, fs.ErrNotExist) {
		return l.pixelsErr
	}
	why := l.pixelsErr
	if l.pixelsDenied != nil {
		why = l.pixelsDenied
	}
	l.pixelsErr = fault.New(fault.NotFound, l.folder.Name(), "has no preprocessor_config.json, and no processor_config.json with an image_processor, so pictures can't be prepared; give pixelValues, or add the file: %w", why)
	return nil
}

// model streams the weights and makes the Model.
func (l *loader) model() (*Model, error) {
	tokens, tokensErr, err := l.readTexts()
	if err != nil {
		return nil, err
	}
	if err := l.split(); err != nil {
		return nil, err
	}
	set := l.options.set()
	workers := max(l.options.Workers, 1)
	cpu := encoder.NewCPU(*set, l.options.Group)
	m := &Model{arch: l.arch, pixels: l.pixels, pixelsErr: l.pixelsErr, tokens: tokens, tokensErr: tokensErr, machine: cpu, group: l.options.Group, pause: l.options.Pause}

	b, err := l.bind(0)
	if err != nil {
		return nil, err
	}
	l.warnUnused(b)
	bytes, err := l.stream(b)
	if err != nil {
		return nil, err
	}
	t, err := b.Finish(l.folder.Name())
	if err != nil {
		return nil, err
	}
	m.towers = t
	m.source = source{l.folder, l.options, l.dtype, l.arch}
	m.info = describe(l.arch, t, l.pixels, set.Name, l.dtype.String(), workers, b.Parameters, bytes)
	m.info.Warnings = l.warnings()
	if l.dtype == kernel.Q8 {
		m.info.Q8 = &Q8Info{Rows: set.Q8Rows()}
	}
	if l.gpu != nil {
		m.gpu = &selfCheckedGPU{machine: l.gpu, cpu: cpu, demanded: l.options.DemandGPU, calls: map[string]int{}, clock: l.options.clock}
		if m.gpu.clock == nil {
			m.gpu.clock = time.Now
		}
	}
	m.running = m.describeDevice(l.gpuErr)
	if l.measures() {
		return m, m.measureQ8(l.ctx, b.Q8())
	}
	return m, nil
}

// measures tells whether q8 is measured on a picture as the model loads.
func (l *loader) measures() bool {
	return l.dtype == kernel.Q8 && !l.arch.Packed && l.options.MeasureQ8 && l.gpu == nil && l.arch.Vision != nil
}

// bind gives the destinations of the checkpoint's tensors in a share of the model.
func (l *loader) bind(share int) (*bind.Binding, error) {
	o := bind.Options{DType: l.dtype, Share: l.options.share(share), KeepResidual8: l.measures()}
	if l.gpu != nil {
		o.Ready = l.gpu.Own
	}
	return bind.New(l.arch, l.folder.Name(), l.checkpoint.Names(), o)
}

// checkEnd warns of a tokenizer whose texts lack the token that stands for a text:
// upstream then reads the first token (clip/modeling_clip.py).
func (l *loader) checkEnd(tokens tokenizer.Tokenizer) {
	text := l.arch.Text
	if tokens == nil || text == nil || text.Pool != encoder.PoolEnd {
		return
	}
	if ids := tokens.Encode("").IDs; !slices.Contains(ids, text.End) {
		l.arch.Warn("config.json", "eos_token_id", "is %d, but the tokenizer makes %v of an empty text; the embedding of a text is read at its first token", text.End, ids)
	}
}

// warnUnused warns of tensors of the model's towers that nothing reads.
func (l *loader) warnUnused(b *bind.Binding) {
	names := b.Unused(l.arch, l.checkpoint.Names())
	if len(names) == 0 {
		return
	}
	file := ""
	for _, t := range l.checkpoint.Tensors {
		if t.Name == names[0] {
			file = t.File
		}
	}
	others := ""
	if n := len(names) - 1; n > 0 {
		others = fmt.Sprintf(", nor are %d more", n)
	}
	l.arch.Warn(file, names[0], "is not used%s: the model that config.json describes has no such tensor", others)
}

// source is where a model came from.
type source struct {
	folder  weights.Folder
	options Options
	dtype   kernel.DType
	arch    *family.Architecture
}

// again loads the weights a second time, for the CPU.
func (s source) again(ctx context.Context) (*bind.Towers, error) {
	s.options.GPU, s.options.Progress, s.options.MeasureQ8 = nil, nil, false
	l := loader{ctx: ctx, folder: s.folder, options: s.options, dtype: s.dtype, arch: s.arch}
	if err := l.open(); err != nil {
		return nil, err
	}
	defer l.close()
	_, t, err := l.towers(0)
	return t, err
}

// towers binds and reads the weights of a share, and gives its towers.
func (l *loader) towers(share int) (*bind.Binding, *bind.Towers, error) {
	b, err := l.bind(share)
	if err != nil {
		return nil, nil, err
	}
	if _, err := l.stream(b); err != nil {
		return nil, nil, err
	}
	t, err := b.Finish(l.folder.Name())
	return b, t, err
}

// stream reads all weights and gives the number of bytes read.
func (l *loader) stream(b *bind.Binding) (int64, error) {
	var bytes int64
	var pauseErr error
	ctx, stop := context.WithCancelCause(l.ctx)
	defer stop(nil)
	err := l.checkpoint.Stream(ctx, b.Target, func(done, total int64) {
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

// readTexts waits for the tokenizer, and gives it, or why calls with texts will fail: what
// is wrong with its files is known before the first weight.
func (l *loader) readTexts() (tokens tokenizer.Tokenizer, absent, err error) {
	if l.arch.Text == nil { // perhaps config.json spoke of a text tower that the weights lack
		return nil, nil, nil
	}
	l.text.reading.Wait()
	if err := l.text.err; err != nil && fault.CodeOf(err) != fault.NotFound {
		return nil, nil, err
	}
	l.checkEnd(l.text.tokens)
	return l.text.tokens, l.text.err, nil
}

func (l *loader) beginTokenizer() {
	if l.text == nil || l.arch.Text == nil {
		return
	}
	text, file := *l.arch.Text, l.arch.File
	l.text.begin.Do(func() {
		l.text.reading.Go(func() { l.text.tokens, l.text.err = l.readTokenizer(text, file) })
	})
}

// readTokenizer reads the tokenizer of a text tower that the config file describes.
func (l *loader) readTokenizer(text family.Text, file string) (tokenizer.Tokenizer, error) {
	var refusal struct { // the first file that the host refuses to give
		sync.Once
		err error
	}
	read := func(ctx context.Context, name string) ([]byte, error) {
		data, err := weights.ReadFile(ctx, l.folder, name, fault.Tokenizer, maxTokenizerBytes)
		if weights.Denied(err) {
			refusal.Do(func() { refusal.err = err })
		}
		return data, err
	}
	t, err := tokenizer.Load(l.ctx, read, tokenizer.Options{MaxLength: text.Positions, Family: text.Tokenizer, Clean: text.Clean})
	if refusal.err != nil && fault.CodeOf(err) == fault.NotFound {
		err = fault.New(fault.NotFound, "", "%w; %v", err, refusal.err)
	}
	if err == nil && t.Size() > text.Vocabulary {
		err = fault.New(fault.Tokenizer, l.folder.Name(), "its tokenizer has %d ids, but %s's vocab_size is %d; the two files don't belong together", t.Size(), file, text.Vocabulary)
	}
	return t, err
}
