package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"vitrine/engine"
	"vitrine/engine/fault"
)

type inspectCmd struct {
	Folder   string `arg:"" optional:"" help:"Model folder, or its address on the web; --model names it too."`
	Model    string `help:"The same (${default})." default:"site/models/emoji-clip" placeholder:"MODEL"`
	JSON     bool   `name:"json" help:"Print JSON, with the names of the JavaScript API."`
	Size     size   `help:"Size of the pictures for which tokens, slots and multiply-adds are counted, HEIGHTxWIDTH pixels." placeholder:"HxW"`
	Pictures int    `help:"Number of pictures for which a language model's slots are counted (${default})." default:"1" placeholder:"N"`
}

// inspection is what --json prints.
type inspection struct {
	Folder string `json:"folder"`
	engine.Inspection
}

// Run prints what the folder holds. A folder that would not load is an error.
func (c inspectCmd) Run(ctx context.Context, out io.Writer) error {
	name := c.Model
	if c.Folder != "" {
		name = c.Folder
	}
	folder, err := openFolder(name)
	if err != nil {
		return err
	}
	r, err := engine.Inspect(ctx, folder, engine.InspectOptions{Size: c.Size})
	if err != nil {
		return err
	}
	r.Shapes.Slots *= max(c.Pictures, 1)
	if c.JSON {
		err = printJSON(out, inspection{folder.Name(), r})
	} else {
		err = printInspection(out, folder.Name(), r)
	}
	if err == nil && !r.Loads {
		err = fault.New(fault.Code(r.Error.Code), "", "%s", r.Error.Message)
	}
	return err
}

// printInspection prints a table.
func printInspection(out io.Writer, folder string, r engine.Inspection) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	row("folder", "%s", folder)
	if r.Loads {
		row("loads", "yes")
	} else {
		row("loads", "no: %s", r.Error.Message)
	}
	if s := r.Shapes; r.ModelType != "" {
		row("architecture", "%s", strings.TrimSpace(r.Architecture+" ("+r.ModelType+")"))
		row("tasks", "%s", strings.Join(r.Tasks, ", "))
		switch {
		case s.MaxPatches > 0:
			row("pictures", "any shape, up to %d patches of %d pixels", s.MaxPatches, s.Patch)
		case s.Patch > 0:
			row("pictures", "%d × %d pixels, %d × %d patches of %d, %d tokens", s.Image[0], s.Image[1], s.Grid[0], s.Grid[1], s.Patch, s.Tokens)
		}
		if s.Layers > 0 {
			row("vision", "%d layers, %d heads, width %d; %.3g multiply-adds a picture", s.Layers, s.Heads, s.Width, r.MultiplyAdds)
		}
		if s.Slots > 0 {
			row("slots", "%d in a language model's context; --size and --pictures count other cases", s.Slots)
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
	}
	if r.Parameters > 0 {
		row("parameters", "%d", r.Parameters)
		for _, tower := range []struct {
			name string
			size engine.TowerSize
		}{{"vision", r.Towers.Vision}, {"text", r.Towers.Text}, {"unused", r.Towers.Unused}} {
			if tower.size.Bytes > 0 {
				row("", "%s: %d, in %s of the files", tower.name, tower.size.Parameters, megabytes(tower.size.Bytes))
			}
		}
		if r.Memory.F32 > 0 {
			row("memory", "%s as f32, %s as f16, %s as q8", megabytes(r.Memory.F32), megabytes(r.Memory.F16), megabytes(r.Memory.Q8))
		} else {
			row("memory", "%s as q8", megabytes(r.Memory.Q8))
		}
	}
	for i, d := range r.DTypes {
		row(first(i, "tensors"), "%d of %s, %d values", d.Tensors, d.DType, d.Values)
	}
	if r.Licence != "" {
		row("licence", "%s", r.Licence)
	}
	row("download", "%s", megabytes(r.Bytes))
	for i, f := range r.Files {
		unread := ""
		if !f.Read {
			unread = ", not read"
		}
		row(first(i, "files"), "%s, %s%s", f.Name, megabytes(f.Bytes), unread)
	}
	for _, warning := range r.Warnings {
		row("warning", "%s", warning)
	}
	return w.Flush()
}

// first gives the name of a row for the first of several, else nothing.
func first(i int, name string) string {
	if i == 0 {
		return name
	}
	return ""
}

// megabytes writes a number of bytes; −1 is unknown.
func megabytes(n int64) string {
	switch {
	case n < 0:
		return "unknown size"
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
