package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// maxDownload is the most that a page may download before the model, in bytes after
// gzip -9. onnxruntime-web downloads 3.7 MB.
const maxDownload = 2_200_000

// sized is a file of dist with its size in bytes, before and after gzip -9.
type sized struct {
	name      string // from dist, with slashes
	raw, gzip int
}

// part says what the first page does with the file: "page" is loaded before the model,
// "model" is the model, "inside" is loaded after the first ranking, "instead" is loaded
// only by some browsers or with some options, and "people" is there for people.
func (f sized) part() string {
	switch {
	case strings.HasPrefix(f.name, "models/"):
		return "model"
	case f.name == "js/kernels/plain.wasm":
		return "instead" // of relaxed.wasm, which is as large, where a browser has no relaxed SIMD
	case f.name == "js/webgpu.js", f.name == "js/share-worker.js":
		return "instead" // of the CPU alone, where a GPU or several workers run
	case strings.HasPrefix(f.name, "pages/inside-"):
		return "inside"
	case f.name == "speed.html", strings.HasPrefix(f.name, "pages/speed."):
		return "people" // another page
	case strings.HasPrefix(f.name, "licenses/"), strings.HasSuffix(f.name, ".d.ts"), path.Base(f.name) == "package.json", path.Ext(f.name) == ".md",
		path.Base(f.name) == "LICENSE", path.Base(f.name) == "THIRD_PARTY_NOTICES.txt":
		return "people"
	}
	return "page"
}

// measure lists the files of dist.
func measure(dist string) ([]sized, error) {
	var files []sized
	err := eachFile(dist, func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dist, path)
		if err != nil {
			return err
		}
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		files = append(files, sized{filepath.ToSlash(name), len(data), packed.Len()})
		return nil
	})
	return files, err
}

// total gives the sizes of all files of one part.
func total(files []sized, part string) (sum sized) {
	for _, f := range files {
		if f.part() == part {
			sum.raw += f.raw
			sum.gzip += f.gzip
		}
	}
	return sum
}

// printSizes prints what a page downloads, in bytes.
func printSizes(out io.Writer, files []sized) error {
	page, model, inside := total(files, "page"), total(files, "model"), total(files, "inside")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "bytes\tgzip -9\t")
	for _, f := range files {
		if f.part() == "page" {
			fmt.Fprintf(w, "%d\t%d\t  %s\n", f.raw, f.gzip, f.name)
		}
	}
	for _, f := range files {
		if f.part() == "instead" {
			fmt.Fprintf(w, "(%d)\t(%d)\t  %s, where something else than relaxed SIMD or one worker on the CPU runs\n", f.raw, f.gzip, f.name)
		}
	}
	fmt.Fprintf(w, "%d\t%d\t  all that a page downloads before the model; %d gzip at most\n", page.raw, page.gzip, maxDownload)
	fmt.Fprintf(w, "%d\t%d\t  the embedded model's folder\n", model.raw, model.gzip)
	fmt.Fprintf(w, "%d\t%d\t  what the page loads after the first ranking\n", inside.raw, inside.gzip)
	return w.Flush()
}
