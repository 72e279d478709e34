package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// scripts are the files of js/ that are loaded by their names. The others become part of
// the files that import them, so that a page waits for the network once.
var scripts = []string{"vitrine.js", "worker.js", "share-worker.js", "webgpu.js"}

// bundle replaces the modules of a folder js/ by the bundled scripts, without comments and
// white space. Names stay, for the console and for people who read the code.
func bundle(js string) error {
	js, err := filepath.Abs(js)
	if err != nil {
		return err
	}
	options := api.BuildOptions{
		AbsWorkingDir: js, Outdir: js, Bundle: true, Format: api.FormatESModule, Target: api.ESNext,
		External: []string{"./webgpu.js", "node:*"}, MinifyWhitespace: true, MinifySyntax: true,
	}
	for _, name := range scripts {
		options.EntryPoints = append(options.EntryPoints, name)
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

// noticeOf gives the comment at the beginning of a script.
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
		return "", fmt.Errorf("%s: does not begin with a copyright notice", file)
	}
	return notice.String(), nil
}

// complaint gives the first of esbuild's errors.
func complaint(errors []api.Message) error {
	first := errors[0]
	if first.Location == nil {
		return fmt.Errorf("esbuild: %s", first.Text)
	}
	return fmt.Errorf("%s:%d: %s", first.Location.File, first.Location.Line, first.Text)
}
