package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// scripts are the files of js/ that are loaded by their names; the others become
// part of those that import them, so that a page waits for the network once.
var scripts = []string{"vitrine.js", "worker.js", "share-worker.js", "webgpu.js"}

// bundle makes the scripts of a folder js/ out of the modules in it, without comments
// and white space, which visitors would download for nothing. Names stay, for the
// console and for those who read on.
func bundle(js string) error {
	js, err := filepath.Abs(js)
	if err != nil {
		return err
	}
	options := api.BuildOptions{
		AbsWorkingDir: js, Outdir: js, EntryPoints: scripts, Bundle: true, Format: api.FormatESModule, Target: api.ESNext,
		External: []string{"./webgpu.js", "node:*"}, MinifyWhitespace: true, MinifySyntax: true,
	}
	notice, err := noticeOf(filepath.Join(js, "wasm_exec.js"))
	if err != nil {
		return err
	}
	result := api.Build(options)
	if len(result.Errors) > 0 {
		return complaint(result.Errors)
	}
	modules, err := filepath.Glob(filepath.Join(js, "*.js"))
	if err != nil {
		return err
	}
	for _, module := range modules {
		if err := os.Remove(module); err != nil {
			return err
		}
	}
	for _, file := range result.OutputFiles {
		text := string(file.Contents)
		if strings.Contains(text, "globalThis.Go") { // Go's script is in it
			text = notice + text
		}
		if err := os.WriteFile(file.Path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// noticeOf gives the comment that a script begins with.
func noticeOf(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var notice strings.Builder
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "//") {
			break
		}
		notice.WriteString(line)
	}
	if !strings.Contains(notice.String(), "Copyright") {
		return "", fmt.Errorf("%s: begins with no notice of copyright", file)
	}
	return notice.String(), nil
}

// shrink takes comments and white space out of the scripts and styles of a folder
// that are no modules of js/.
func shrink(folder string) error {
	loaders := map[string]api.Loader{".js": api.LoaderJS, ".css": api.LoaderCSS}
	return walk(folder, func(file string) error {
		loader, ok := loaders[filepath.Ext(file)]
		if !ok {
			return nil
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		result := api.Transform(string(data), api.TransformOptions{
			Loader: loader, Sourcefile: file, MinifyWhitespace: true, MinifySyntax: true, Target: api.ESNext,
		})
		if len(result.Errors) > 0 {
			return complaint(result.Errors)
		}
		return os.WriteFile(file, result.Code, 0o644)
	})
}

// complaint is the first of esbuild's errors.
func complaint(errors []api.Message) error {
	first := errors[0]
	if first.Location == nil {
		return fmt.Errorf("esbuild: %s", first.Text)
	}
	return fmt.Errorf("%s:%d: %s", first.Location.File, first.Location.Line, first.Text)
}
