package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// scripts are the built scripts of dist/js, each with its source in js/. Pages and
// workers load them by these names. All other modules become part of the scripts that
// import them, so that a page waits for the network once.
var scripts = []api.EntryPoint{
	{OutputPath: "vitrine", InputPath: "vitrine.js"},
	{OutputPath: "worker", InputPath: "worker/worker.js"},
	{OutputPath: "share-worker", InputPath: "shares/share-worker.js"},
	{OutputPath: "webgpu", InputPath: "gpu/webgpu.js"},
}

// loadWebGPULate keeps gpu/webgpu.js out of the scripts that import it: most pages
// need no GPU. Built, it lies beside them.
var loadWebGPULate = api.Plugin{Name: "webgpu", Setup: func(build api.PluginBuild) {
	build.OnResolve(api.OnResolveOptions{Filter: `/gpu/webgpu\.js$`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
		if args.Kind == api.ResolveEntryPoint {
			return api.OnResolveResult{}, nil
		}
		return api.OnResolveResult{Path: "./webgpu.js", External: true}, nil
	})
}}

// bundle replaces the modules in the folder js and in its subfolders by the bundled
// scripts, without comments and white space. Names stay, for the console and for people who
// read the code.
//
// esbuild drops the import of a module that js/package.json does not list under sideEffects,
// unless a name of the module is used; so wasm_exec.js must stand there.
func bundle(js string) error {
	js, err := filepath.Abs(js)
	if err != nil {
		return err
	}
	options := api.BuildOptions{
		AbsWorkingDir: js, Outdir: js, Bundle: true, Format: api.FormatESModule, Target: api.ESNext,
		EntryPointsAdvanced: scripts, Plugins: []api.Plugin{loadWebGPULate},
		External: []string{"node:*"}, MinifyWhitespace: true, MinifySyntax: true,
	}
	glue := filepath.Join(js, "wasm_exec.js")
	notice, err := noticeOf(glue)
	if err != nil {
		return err
	}
	if err := shorten(glue); err != nil {
		return err
	}
	result := api.Build(options)
	if len(result.Errors) > 0 {
		return complaint(result.Errors)
	}
	sources, err := os.ReadDir(js)
	if err != nil {
		return err
	}
	for _, source := range sources {
		if source.IsDir() || filepath.Ext(source.Name()) == ".js" {
			if err := os.RemoveAll(filepath.Join(js, source.Name())); err != nil {
				return err
			}
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

// shorten gives the local names of Go's script one or two letters: nobody debugs it here.
func shorten(glue string) error {
	data, err := os.ReadFile(glue)
	if err != nil {
		return err
	}
	result := api.Transform(string(data), api.TransformOptions{Loader: api.LoaderJS, Sourcefile: glue, MinifyIdentifiers: true, Target: api.ESNext})
	if len(result.Errors) > 0 {
		return complaint(result.Errors)
	}
	return os.WriteFile(glue, result.Code, 0o644)
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
