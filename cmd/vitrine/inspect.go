package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

type inspectCmd struct {
	modelFlags
	Size     size `help:"Size of the pictures for which a language model's slots are counted, HEIGHTxWIDTH pixels." placeholder:"HxW"`
	Pictures int  `help:"Number of pictures for which a language model's slots are counted (${default})." default:"1" placeholder:"N"`
}

// report is the result of inspect. What could not be read is absent. The members of
// Info are those of model.info in JavaScript.
type report struct {
	Folder string `json:"folder"`
	*engine.Info
	Slots     int            `json:"slots,omitempty"` // positions in a language model's context that all pictures take
	Weights   *weightsReport `json:"weights,omitempty"`
	Tokenizer string         `json:"tokenizer,omitempty"` // the files that are read
	Files     []fileReport   `json:"files"`
	Warnings  []string       `json:"warnings"`
	Error     *errorReport   `json:"error,omitempty"` // why the folder does not load
}

type weightsReport struct {
	Files   int                   `json:"files"`
	Tensors int                   `json:"tensors"`
	Values  int64                 `json:"values"`
	Bytes   int64                 `json:"bytes"`
	DTypes  map[weights.DType]int `json:"dtypes"` // tensors of each
}

type fileReport struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

type errorReport struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
}

func (c inspectCmd) Run(ctx context.Context, out io.Writer) error {
	files, err := listFiles(c.Model)
	if err != nil {
		return err
	}
	r := report{Folder: c.Model, Files: files, Warnings: []string{}}
	r.Weights, err = readHeaders(ctx, weights.Dir(c.Model))
	if err == nil {
		err = r.load(ctx, c)
	}
	if err != nil {
		r.Error = &errorReport{fault.CodeOf(err), err.Error()}
	}
	r.warn()
	if c.JSON {
		if printErr := printJSON(out, r); printErr != nil {
			return printErr
		}
	} else if printErr := r.print(out); printErr != nil {
		return printErr
	}
	return err
}

// listFiles returns the files of a folder.
func listFiles(folder string) ([]fileReport, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var files []fileReport
	for _, e := range entries {
		// Stat follows symbolic links, of which the hub's own cache consists.
		if info, err := os.Stat(filepath.Join(folder, e.Name())); err == nil && info.Mode().IsRegular() {
			files = append(files, fileReport{e.Name(), info.Size()})
		}
	}
	return files, nil
}

// readHeaders counts the contents of all weight files, whether the model uses them or
// not.
func readHeaders(ctx context.Context, folder weights.Folder) (*weightsReport, error) {
	checkpoint, err := weights.Open(ctx, folder)
	if err != nil {
		return nil, err
	}
	defer checkpoint.Close()
	r := &weightsReport{DTypes: map[weights.DType]int{}}
	counted := map[string]bool{}
	for _, t := range checkpoint.Tensors {
		if counted[t.File] {
			continue
		}
		counted[t.File] = true
		if err := r.add(ctx, folder, t.File); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// add counts the contents of one file.
func (r *weightsReport) add(ctx context.Context, folder weights.Folder, file string) error {
	body, size, err := folder.Open(ctx, file)
	if err != nil {
		return err
	}
	defer body.Close()
	header, err := weights.ReadHeader(file, body, size)
	if err != nil {
		return err
	}
	r.Files++
	r.Bytes += size
	r.Tensors += len(header.Tensors)
	for _, t := range header.Tensors {
		if !strings.HasSuffix(t.Name, ".weight_scale") { // the scales of int8 weights are not parameters
			r.Values += int64(t.Elements())
		}
		r.DTypes[t.DType]++
	}
	return nil
}

// load loads the model, so that the engine checks the whole folder.
func (r *report) load(ctx context.Context, c inspectCmd) error {
	folder := &recordingFolder{Folder: weights.Dir(c.Model)}
	model, err := engine.Load(ctx, folder, engine.Options{DType: c.DType})
	if err != nil {
		return err
	}
	defer model.Close()
	info := model.Info()
	r.Info = &info
	if info.Shapes.Slots > 0 {
		slots, err := model.Slots(c.Size)
		if err != nil {
			return err
		}
		r.Slots = slots * max(c.Pictures, 1)
	}
	if info.Shapes.TextLength == 0 {
		return nil
	}
	if _, err := model.Tokenize(""); err != nil {
		r.Warnings = append(r.Warnings, fmt.Sprintf("the tokenizer cannot be read, so calls with texts fail: %v", err))
		return nil
	}
	var files []string
	for _, name := range []string{"spiece.model", "tokenizer.json", "vocab.json", "merges.txt"} {
		if slices.Contains(folder.opened, name) {
			files = append(files, name)
		}
	}
	r.Tokenizer = strings.Join(files, ", ")
	return nil
}

// recordingFolder is a model folder that records the files that the engine opens.
type recordingFolder struct {
	weights.Folder
	mu     sync.Mutex
	opened []string
}

// Open implements weights.Folder.
func (f *recordingFolder) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	body, size, err := f.Folder.Open(ctx, name)
	if err == nil {
		f.mu.Lock()
		f.opened = append(f.opened, name)
		f.mu.Unlock()
	}
	return body, size, err
}

// has reports whether the folder has a file.
func (r *report) has(name string) bool {
	return slices.ContainsFunc(r.Files, func(f fileReport) bool { return f.Name == name })
}

// warn adds warnings about the files.
func (r *report) warn() {
	if !r.has("preprocessor_config.json") && !r.has("processor_config.json") {
		r.Warnings = append(r.Warnings, "there is no preprocessor_config.json: calls accept only pixelValues, not pictures")
	}
	if r.Info != nil && r.Weights != nil && r.Parameters < r.Weights.Values {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d of the %d values in the weight files are not used by the model", r.Weights.Values-r.Parameters, r.Weights.Values))
	}
	for _, f := range r.Files {
		switch filepath.Ext(f.Name) {
		case ".bin", ".ckpt", ".h5", ".msgpack", ".onnx", ".pt", ".pth":
			r.Warnings = append(r.Warnings, f.Name+" is not read: weights are read from safetensors files only")
		}
	}
}

// print prints the report as a table.
func (r *report) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	row("folder", "%s", r.Folder)
	if r.Info != nil {
		s := r.Shapes
		row("architecture", "%s (%s)", r.Architecture, r.ModelType)
		row("tasks", "%s", strings.Join(r.Tasks, ", "))
		if s.MaxPatches > 0 {
			row("pictures", "any shape, up to %d patches of %d pixels", s.MaxPatches, s.Patch)
		} else {
			row("pictures", "%d × %d pixels, %d × %d patches of %d, %d tokens", s.Image[0], s.Image[1], s.Grid[0], s.Grid[1], s.Patch, s.Tokens)
		}
		row("vision", "%d layers, %d heads, width %d", s.Layers, s.Heads, s.Width)
		if r.Slots > 0 {
			row("slots", "%d in a language model's context; --size and --pictures count other cases", r.Slots)
		}
		if s.TextLength > 0 {
			row("text", "%d layers, %d tokens, %d in the vocabulary", s.TextLayers, s.TextLength, s.Vocabulary)
		}
		if s.Embedding > 0 {
			row("embedding", "%d values", s.Embedding)
		}
		if r.Classes > 0 {
			row("classes", "%d", r.Classes)
		}
		row("parameters", "%d", r.Parameters)
	}
	if r.Weights != nil {
		var dtypes []string
		for _, d := range slices.Sorted(maps.Keys(r.Weights.DTypes)) {
			dtypes = append(dtypes, fmt.Sprintf("%d %s", r.Weights.DTypes[d], d))
		}
		row("weights", "%d bytes in %d file(s), %d tensors: %s", r.Weights.Bytes, r.Weights.Files, r.Weights.Tensors, strings.Join(dtypes, ", "))
	}
	if r.Tokenizer != "" {
		row("tokenizer", "%s", r.Tokenizer)
	}
	for i, f := range r.Files {
		name := ""
		if i == 0 {
			name = "files"
		}
		row(name, "%s, %d bytes", f.Name, f.Bytes)
	}
	for _, warning := range r.Warnings {
		row("warning", "%s", warning)
	}
	return w.Flush()
}
