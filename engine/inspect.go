package engine

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"vitrine/engine/bind"
	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// Inspect says what a folder holds and whether Load would load it. It reads the small files
// and the headers of the weights, but no weight; of a tokenizer larger than
// maxInspectedTokenizer it reads nothing either. What keeps the model from loading is in
// the result; the error is the cause of ctx, or is about an option.
func Inspect(ctx context.Context, folder weights.Folder, o InspectOptions) (Inspection, error) {
	ctx, cancel := context.WithCancel(ctx)
	files := &inspectedFolder{Folder: folder}
	l := loader{ctx: ctx, folder: files, text: &textReader{}}
	defer l.text.reading.Wait()
	defer cancel()
	r := Inspection{Warnings: []string{}, Tasks: []string{}, DTypes: []DTypeCount{}, Files: []FileSummary{}}
	err := r.read(&l, o)
	if cause := context.Cause(ctx); cause != nil {
		return Inspection{}, cause
	}
	if fault.CodeOf(err) == fault.Option {
		return Inspection{}, err
	}
	if r.Loads = err == nil; !r.Loads {
		r.Error = &Failure{string(fault.CodeOf(err)), err.Error()}
	}
	r.addFiles(ctx, files)
	return r, context.Cause(ctx)
}

// read fills in r as far as the files allow, and gives the reason why Load would fail.
func (r *Inspection) read(l *loader, o InspectOptions) error {
	defer l.close()
	err := l.open()
	if l.arch != nil {
		r.Architecture, r.ModelType = l.arch.Name, l.arch.ModelType
	}
	if err != nil {
		return err
	}
	if err := l.checkpoint.ReadHeaders(l.ctx); err != nil {
		return err
	}
	r.count(l.checkpoint.Tensors)
	if err := r.measure(l); err != nil {
		return err
	}
	if err := r.resize(l, o.Size); err != nil {
		return err
	}
	l.text.reading.Wait()
	l.checkEnd(l.text.tokens)
	r.Warnings = l.warnings()
	if err := l.text.err; err != nil && fault.CodeOf(err) != fault.NotFound && !errors.Is(err, errNotInspected) {
		return err
	}
	return nil
}

// count counts the tensors by dtype.
func (r *Inspection) count(tensors []weights.Tensor) {
	for _, t := range tensors {
		i := slices.IndexFunc(r.DTypes, func(d DTypeCount) bool { return d.DType == string(t.DType) })
		if i < 0 {
			i = len(r.DTypes)
			r.DTypes = append(r.DTypes, DTypeCount{DType: string(t.DType)})
		}
		r.DTypes[i].Tensors++
		r.DTypes[i].Values += int64(t.Elements())
	}
}

// measure checks that the tensors are those of the model, and fills in what config.json and
// the tensors say together.
func (r *Inspection) measure(l *loader) error {
	var b *bind.Binding
	var sizes bind.Sizes // of float32, the last one; bytes and parameters are the same with each dtype
	for _, m := range []struct {
		dtype kernel.DType
		bytes *int64
	}{{kernel.F16, &r.Memory.F16}, {kernel.Q8, &r.Memory.Q8}, {kernel.F32, &r.Memory.F32}} {
		var err error
		b, err = bind.New(l.arch, l.folder.Name(), l.checkpoint.Names(), bind.Options{DType: m.dtype, Share: encoder.Whole})
		if err == nil {
			sizes, err = b.Measure(l.checkpoint.Tensors)
		}
		if err != nil {
			return err
		}
		for _, size := range sizes {
			*m.bytes += size.Memory
		}
	}
	for tower, size := range sizes {
		if bind.Tower(tower) != bind.Unused {
			r.Parameters += size.Parameters
		}
	}
	r.Towers = Towers{towerSize(sizes[bind.Vision]), towerSize(sizes[bind.Text]), towerSize(sizes[bind.Unused])}
	r.describe(l, b)
	l.warnUnused(b)
	if l.arch.Packed { // the weights are int8 in the file, and can't be anything else
		r.Memory.F32, r.Memory.F16 = 0, 0
	}
	return nil
}

func towerSize(size bind.Size) TowerSize { return TowerSize{size.Parameters, size.Bytes} }

// describe fills in what a loaded model's Info says too.
func (r *Inspection) describe(l *loader, b *bind.Binding) {
	info := describe(l.arch, b.Unfilled(), l.pixels, "", "", 0, 0, 0)
	r.Architecture, r.ModelType, r.Tasks, r.Classes = info.Architecture, info.ModelType, info.Tasks, info.Classes
	r.Shapes, r.Preprocess = info.Shapes, info.Preprocess
}

// resize counts for pictures of a size.
func (r *Inspection) resize(l *loader, size [2]int) error {
	c := l.arch.Vision
	if c == nil { // texts alone
		return nil
	}
	grid := c.Grid
	if size != [2]int{} {
		grid = encoder.Grid{Rows: size[0] / c.Patch, Columns: size[1] / c.Patch}
		if n := grid.Patches(); min(size[0], size[1]) < 1 || n < 1 || n > maxPatches {
			return fault.New(fault.Option, "size", "%d×%d pixels make %d patches of %d pixels; supported are 1 to %d", size[0], size[1], n, c.Patch, maxPatches)
		}
		r.Shapes.Image, r.Shapes.Grid, r.Shapes.Tokens = size, [2]int{grid.Rows, grid.Columns}, c.Tokens(grid)
	}
	r.MultiplyAdds = c.MultiplyAdds(grid)
	if l.arch.Projector != nil {
		r.Shapes.Slots = l.arch.LanguageTokens(grid)
	}
	return nil
}

// addFiles lists the files, and says what Load reads of them and which licence they state.
func (r *Inspection) addFiles(ctx context.Context, f *inspectedFolder) {
	r.Files = f.opened
	for _, file := range r.Files {
		if file.Bytes < 0 || r.Bytes < 0 {
			r.Bytes = -1
		} else {
			r.Bytes += file.Bytes
		}
	}
	if lister, ok := f.Folder.(weights.Lister); ok {
		all, _ := lister.List(ctx) // without it, the files that were read are known
		for _, file := range all {
			if !slices.ContainsFunc(r.Files, func(known FileSummary) bool { return known.Name == file.Name }) {
				r.Files = append(r.Files, FileSummary{file.Name, file.Bytes, false})
			}
		}
	}
	r.Licence = statedLicence(ctx, f.Folder, r.Files)
}

// maxInspectedTokenizer bounds the tokenizers that Inspect reads: CLIP's has 2 MB, Gemma's
// 33 MB.
const maxInspectedTokenizer = 4 << 20

// errNotInspected marks a tokenizer that is too large for Inspect.
var errNotInspected = errors.New("is not inspected")

// inspectedFolder is a folder that notes which files were opened.
type inspectedFolder struct {
	weights.Folder
	mu     sync.Mutex
	opened []FileSummary
}

// Unwrap gives the folder itself.
func (f *inspectedFolder) Unwrap() weights.Folder { return f.Folder }

// Open implements weights.Folder.
func (f *inspectedFolder) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	body, size, err := f.Folder.Open(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	f.note(FileSummary{name, size, true})
	if name == "tokenizer.json" && size > maxInspectedTokenizer {
		body.Close()
		return nil, 0, errNotInspected
	}
	return body, size, nil
}

// note adds a file to those that were opened, which are sorted by name.
func (f *inspectedFolder) note(file FileSummary) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := 0
	for at < len(f.opened) && f.opened[at].Name < file.Name {
		at++
	}
	if at == len(f.opened) || f.opened[at].Name != file.Name {
		f.opened = slices.Insert(f.opened, at, file)
	}
}

// statedLicence gives the licence that the front matter of README.md names, as on the hub,
// else "see LICENSE" where such a file is among the known ones.
func statedLicence(ctx context.Context, folder weights.Folder, files []FileSummary) string {
	if body, _, err := folder.Open(ctx, "README.md"); err == nil {
		start, _ := io.ReadAll(io.LimitReader(body, 16<<10))
		body.Close()
		if name := frontMatter(string(start), "license"); name != "" {
			return name
		}
	}
	for _, file := range files {
		if strings.HasPrefix(strings.ToUpper(file.Name), "LICENSE") {
			return "see " + file.Name
		}
	}
	return ""
}

// frontMatter gives the value of a key in the YAML between the lines --- at the start of a
// text, where it is a plain string.
func frontMatter(text, key string) string {
	line, rest, _ := strings.Cut(strings.TrimPrefix(text, "\ufeff"), "\n")
	for more := strings.TrimSpace(line) == "---"; more; {
		line, rest, more = strings.Cut(rest, "\n")
		if line = strings.TrimSpace(line); line == "---" {
			break
		}
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			return strings.Trim(value, ` "'`)
		}
	}
	return ""
}
