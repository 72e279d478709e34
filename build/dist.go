package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// build makes the folder out from the sources in root and gives the version that it wrote
// into them. The folder appears whole or not at all, and replaces the one before.
func build(root, out string) (version string, err error) {
	goroot, err := goEnv(root, "GOROOT")
	if err != nil {
		return "", err
	}
	glue := filepath.Join(goroot, "lib", "wasm", "wasm_exec.js")
	if version, err = stampOf(root, glue); err != nil {
		return "", err
	}
	made, err := os.MkdirTemp(filepath.Dir(out), ".dist-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(made)
	if err := os.Chmod(made, 0o755); err != nil {
		return "", err
	}
	js := filepath.Join(made, "js")
	if err := writeSite(root, made); err != nil {
		return "", err
	}
	if err := copyTree(filepath.Join(root, "js"), js); err != nil {
		return "", err
	}
	if err := stamp(js, version); err != nil {
		return "", err
	}
	if err := copyFile(glue, filepath.Join(js, "wasm_exec.js")); err != nil {
		return "", err
	}
	if err := bundle(js); err != nil {
		return "", err
	}
	kernels, err := filepath.Glob(filepath.Join(root, "engine", "kernel", "simd", "*.wasm"))
	if err != nil {
		return "", err
	}
	for _, kernel := range kernels {
		if err := copyFile(kernel, filepath.Join(js, "kernels", filepath.Base(kernel))); err != nil {
			return "", err
		}
	}
	if err := buildWASM(root, filepath.Join(js, "vitrine.wasm"), version); err != nil {
		return "", err
	}
	if err := writeLicenses(root, goroot, made, js); err != nil {
		return "", err
	}
	return version, replace(out, made)
}

// wasmTags: the browser implements HTTP/2, so net/http needs no code for it.
const wasmTags = "-tags=nethttpomithttp2"

// coldPackages are compiled without inlining. They run a few times a load or a call, and
// code that stands once instead of at each of its callers makes the download
// smaller (RATIONALE.md). The kernels, the encoders, the reader of texts, the loops over weights
// (engine/internal/half), and what these use, are compiled as usual.
var coldPackages = []string{
	"bufio", "crypto/...", "encoding/asn1", "fmt", "github.com/syumai/...", "log/...", "math/big", "mime/...", "net", "net/url", "reflect", "sync", "syscall/js", "time",
	"vitrine/engine", "vitrine/engine/bind", "vitrine/engine/family", "vitrine/engine/internal/pickle", "vitrine/engine/weights", "vitrine/wasm",
}

// buildWASM compiles the engine for the browser. The file depends on nothing of the
// machine: no paths, times, version control or settings.
func buildWASM(root, file, version string) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	arguments := []string{"build", "-o", file, wasmTags, "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid= -X main.version=" + version}
	for _, cold := range coldPackages {
		arguments = append(arguments, "-gcflags="+cold+"=-l")
	}
	if _, err := goTool(root, append(arguments, "./wasm")...); err != nil {
		return err
	}
	return os.Chmod(file, 0o644)
}

// goEnv gives a setting of the go command.
func goEnv(root, name string) (string, error) {
	out, err := goTool(root, "env", name)
	return strings.TrimSpace(out), err
}

// goTool runs the go command for the browser's platform, without the user's settings of
// the compiler, and gives its output.
func goTool(root string, args ...string) (string, error) {
	command := exec.Command("go", args...)
	command.Dir = root
	command.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0",
		"GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=", "GOWASM=")
	var out, complaint bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, complaint.Bytes())
	}
	return out.String(), nil
}

// copyTree copies the files that belong into dist. No target may exist yet.
func copyTree(from, to string) error {
	return eachFile(from, func(path string) error {
		inside, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return copyFile(path, filepath.Join(to, inside))
	})
}

// eachFile visits the files of a folder in lexical order, without hidden files, tests and
// installed packages.
func eachFile(folder string, visit func(path string) error) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case path == folder:
			return nil
		case strings.HasPrefix(name, "."), name == "node_modules", name == "testdata":
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir(), strings.HasSuffix(name, "_test.go"), strings.Contains(name, ".test."):
			return nil
		}
		return visit(path)
	})
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s and another file are both copied to %s; rename one of them", from, to)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// replace replaces the folder out by the folder made.
func replace(out, made string) error {
	old := made + ".old"
	if err := os.Rename(out, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(made, out); err != nil {
		return err
	}
	return os.RemoveAll(old)
}
