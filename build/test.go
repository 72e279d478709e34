package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// packageLimit ends the tests of a package that hang: ten times what the slowest, package
// engine, takes on two cores, which is two minutes under the race detector and compiled to
// WASM. All stages together have no limit. The tests of the scripts have theirs in
// test/run.mjs.
const packageLimit = 20 * time.Minute

// A stage is one step of the tests. What it prints is shown where it fails.
type stage struct {
	name string
	run  func(context.Context, *tools, io.Writer) error
}

var stages = []stage{
	{"tools", findTools},
	{"npm ci", installPackages},
	{"gofmt", checkFormat},
	{"eslint", lintScripts},
	{"go vet", vet},
	{"staticcheck", staticcheck},
	{"go test", testNatively},
	{"go test -race", testRaces},
	{"go test, WASM in Node", testWASM},
	{"build", buildDist},
	{"browser", testBrowser},
}

// test runs all stages, up to the first that fails.
func test(out io.Writer) error {
	ctx := context.Background()
	start := time.Now()
	found := &tools{}
	for _, s := range stages {
		begin := time.Now()
		var printed bytes.Buffer
		err := s.run(ctx, found, &printed)
		verdict := "ok"
		if err != nil {
			verdict = "FAIL"
			if _, err := printed.WriteTo(out); err != nil {
				return err
			}
		}
		fmt.Fprintf(out, "%-4s  %6.1f s  %s\n", verdict, time.Since(begin).Seconds(), s.name)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	fmt.Fprintf(out, "all green after %.0f s\n", time.Since(start).Seconds())
	return nil
}

func checkFormat(ctx context.Context, _ *tools, out io.Writer) error {
	entries, err := os.ReadDir(".")
	if err != nil {
		return err
	}
	args := []string{"-l"}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "node_modules" && e.Name() != "dist" {
			args = append(args, e.Name())
		}
	}
	var unformatted bytes.Buffer
	if err := start(ctx, &unformatted, os.Environ(), "gofmt", args...); err != nil {
		out.Write(unformatted.Bytes())
		return err
	}
	if unformatted.Len() > 0 {
		return fmt.Errorf("run gofmt -w on: %s", strings.Join(strings.Fields(unformatted.String()), " "))
	}
	return nil
}

func vet(ctx context.Context, _ *tools, out io.Writer) error {
	return errors.Join(
		start(ctx, out, os.Environ(), "go", "vet", "./..."),
		start(ctx, out, wasmEnv(), "go", "vet", "./engine/...", "./calls/...", "./wasm/..."))
}

// staticcheck runs the version that build/tools.mod names. That file is apart from
// go.mod, so that what the tool needs decides no version of what the product needs.
func staticcheck(ctx context.Context, _ *tools, out io.Writer) error {
	program, err := filepath.Abs(".tools/staticcheck")
	if err != nil {
		return err
	}
	if err := start(ctx, out, os.Environ(), "go", "build", "-modfile=build/tools.mod", "-o", program, "honnef.co/go/tools/cmd/staticcheck"); err != nil {
		return err
	}
	return errors.Join(
		start(ctx, out, os.Environ(), program, "./..."),
		start(ctx, out, wasmEnv(), program, "./engine/...", "./calls/...", "./wasm/..."))
}

func testNatively(ctx context.Context, _ *tools, out io.Writer) error {
	return goTest(ctx, out, os.Environ(), packageLimit, "./...")
}

// slowWithoutGoroutines are tests whose long arithmetic runs in one goroutine, or in
// the goroutines that other tests run too; the race detector makes them many times
// slower and can find nothing more in them. They run without it, in testNatively.
var slowWithoutGoroutines = []string{
	"TestClassifyPhotos", "TestCollages", "TestEveryCallOnEveryDevice", "TestManyPicturesAreEachOfThem", "TestManyTextsTellProgress",
	"TestGoldenPreprocess", "TestGoldenTokenizers", "TestStripsCostNoMoreThanTheirCrop",
	"TestLinear", "TestLongTexts", "TestNFC",
}

// testRaces runs the tests of the engine and of the command again under the race
// detector, which needs cgo. Those of build/ start other programs.
func testRaces(ctx context.Context, _ *tools, out io.Writer) error {
	return goTest(ctx, out, append(os.Environ(), "CGO_ENABLED=1"), packageLimit,
		"-race", "-skip=^("+strings.Join(slowWithoutGoroutines, "|")+")$", "./engine/...", "./cmd/...")
}

// testWASM runs the engine's tests again, compiled for the browser's platform.
func testWASM(ctx context.Context, found *tools, out io.Writer) error {
	return goTest(ctx, out, wasmEnv(), packageLimit, "-exec="+found.wasmExec, "./engine/...", "./calls/...", "./wasm/...")
}

// goTest runs the tests of packages, each of which may take as long as limit.
func goTest(ctx context.Context, out io.Writer, env []string, limit time.Duration, args ...string) error {
	return start(ctx, out, env, "go", append([]string{"test", "-timeout=" + limit.String()}, args...)...)
}

// lintScripts runs ESLint with the rules of eslint.config.js.
func lintScripts(ctx context.Context, _ *tools, out io.Writer) error {
	return start(ctx, out, os.Environ(), "npm", "run", "lint")
}

// wasmEnv keeps of the environment what the go command and the tests read: a Go
// program in WASM has room for 8 KB of arguments and environment only.
func wasmEnv() []string {
	env := []string{"GOOS=js", "GOARCH=wasm"}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		switch {
		case name == "GOOS" || name == "GOARCH":
		case name == "PATH", name == "HOME", name == "TMPDIR", strings.HasPrefix(name, "GO"), strings.HasPrefix(name, "VITRINE_"):
			env = append(env, pair)
		}
	}
	return env
}

func buildDist(_ context.Context, _ *tools, out io.Writer) error {
	_, err := build(".", "dist")
	return err
}

func installPackages(ctx context.Context, _ *tools, out io.Writer) error {
	return start(ctx, out, os.Environ(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
}

func testBrowser(ctx context.Context, found *tools, out io.Writer) error {
	return start(ctx, out, append(os.Environ(), "CHROMIUM="+found.chromium), "npm", "test")
}

// start runs a program to its end.
func start(ctx context.Context, out io.Writer, env []string, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Env = env
	command.Stdout, command.Stderr = out, out
	command.WaitDelay = 5 * time.Second // for children that outlive it
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
