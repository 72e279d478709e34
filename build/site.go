package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"vitrine/internal/policy"
)

// writeSite makes the pages of the site and the embedded model in the folder out.
//
// A page is a template, site/NAME.html, with those of site/templates. It loads
// pages/theme.js, pages/NAME.css and, where there is one, pages/NAME.js, whose imports
// are bundled. What is imported dynamically becomes a file of its own.
func writeSite(root, out string) error {
	site := filepath.Join(root, "site")
	if err := copyTree(filepath.Join(site, "models"), filepath.Join(out, "models")); err != nil {
		return err
	}
	licences, err := filepath.Glob(filepath.Join(site, "vendor", "*", "LICENSE"))
	if err != nil {
		return err
	}
	for _, licence := range licences {
		name := filepath.Base(filepath.Dir(licence))
		if err := copyFile(licence, filepath.Join(out, "licenses", name+".txt")); err != nil {
			return err
		}
	}
	pages, err := filepath.Glob(filepath.Join(site, "*.html"))
	if err != nil {
		return err
	}
	bundles, err := bundlePages(root, out, pages)
	if err != nil {
		return err
	}
	speed, err := readCharts(filepath.Join(root, "bench", "last.json"))
	if err != nil {
		return err
	}
	for _, file := range pages {
		p := bundles.page(strings.TrimSuffix(filepath.Base(file), ".html"))
		p.Speed = speed
		text, err := renderPage(site, file, p)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, filepath.Base(file)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A page is what its template is executed with.
type page struct {
	Name    string   // of the file, without .html
	Policy  string   // its Content-Security-Policy
	Scripts []string // modules, relative to the page
	Preload []string // the modules that they import, so that the page waits for the network once
	Speed   *charts
}

func renderPage(site, file string, p page) ([]byte, error) {
	functions := template.FuncMap{"times": sayTimes, "time": sayTime, "cosine": sayCosine}
	t, err := template.New(filepath.Base(file)).Funcs(functions).ParseGlob(filepath.Join(site, "templates", "*.html"))
	if err != nil {
		return nil, err
	}
	if t, err = t.ParseFiles(file); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, p)
	return out.Bytes(), err
}

// bundles says what the bundled files import, by their paths in dist.
type bundles map[string][]imported

type imported struct {
	Path     string `json:"path"`
	Kind     string `json:"kind"`
	External bool   `json:"external"`
}

// library is where bundled files, which all lie in pages/, find the library.
const library = "../js/vitrine.js"

// bundlePages bundles the scripts and styles of pages into the folder out.
func bundlePages(root, out string, pages []string) (bundles, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	entries := []string{"site/pages/theme.js"}
	for _, file := range pages {
		name := "site/pages/" + strings.TrimSuffix(filepath.Base(file), ".html")
		for _, entry := range []string{name + ".css", name + ".js"} {
			if _, err := os.Stat(filepath.Join(root, entry)); err == nil {
				entries = append(entries, entry)
			}
		}
	}
	// Nothing is written to Outdir: paths in dist are relative to it.
	outdir := filepath.Join(root, "dist")
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: root, EntryPoints: entries, Outbase: "site", Outdir: outdir, ChunkNames: "pages/[name]-[hash]",
		Bundle: true, Splitting: true, Format: api.FormatESModule, Target: api.ESNext,
		MinifyWhitespace: true, MinifySyntax: true, MinifyIdentifiers: true, Metafile: true,
		Plugins: []api.Plugin{{Name: "library", Setup: func(build api.PluginBuild) {
			build.OnResolve(api.OnResolveOptions{Filter: `/js/vitrine\.js$`}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
				return api.OnResolveResult{Path: library, External: true}, nil
			})
		}}},
	})
	if len(result.Errors) > 0 {
		return nil, complaint(result.Errors)
	}
	for _, file := range result.OutputFiles {
		name, err := filepath.Rel(outdir, file.Path)
		if err != nil {
			return nil, err
		}
		to := filepath.Join(out, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(to, file.Contents, 0o644); err != nil {
			return nil, err
		}
	}
	var meta struct {
		Outputs map[string]struct{ Imports []imported }
	}
	if err := json.Unmarshal([]byte(result.Metafile), &meta); err != nil {
		return nil, fmt.Errorf("esbuild: its list of files: %w", err)
	}
	b := bundles{}
	for file, output := range meta.Outputs {
		for i := range output.Imports {
			output.Imports[i].Path = strings.TrimPrefix(output.Imports[i].Path, "dist/")
		}
		b[strings.TrimPrefix(file, "dist/")] = output.Imports
	}
	return b, nil
}

// page says what a page loads. One that loads models may do so from any host.
func (b bundles) page(name string) page {
	p := page{Name: name}
	script := "pages/" + name + ".js"
	if _, ok := b[script]; ok {
		p.Scripts = []string{script}
		p.Preload = b.reached(script, false)
	}
	usesLibrary := false
	for _, file := range append(b.reached(script, true), script) {
		for _, i := range b[file] {
			usesLibrary = usesLibrary || i.External && i.Path == library
		}
	}
	if usesLibrary {
		p.Preload = append(p.Preload, path.Join("pages", library))
	}
	p.Policy = policy.ForPage(usesLibrary)
	return p
}

// reached lists the bundled files that a file imports, and they in turn; with dynamic,
// also those that are imported only when they are needed.
func (b bundles) reached(file string, dynamic bool) (files []string) {
	seen := map[string]bool{file: true}
	for queue := []string{file}; len(queue) > 0; queue = queue[1:] {
		for _, i := range b[queue[0]] {
			if i.External || seen[i.Path] || !dynamic && i.Kind == "dynamic-import" {
				continue
			}
			seen[i.Path] = true
			files = append(files, i.Path)
			queue = append(queue, i.Path)
		}
	}
	return files
}
