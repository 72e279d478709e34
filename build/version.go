package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// placeholder is how the version stands in the sources, at the top of each script
// that greets another part. main.version in wasm/ is "dev" there, too.
const placeholder = "const version = 'dev'"

// stampOf is the version of js/package.json and a short hash of all that makes
// the engine: vitrine.js and vitrine.wasm of different builds then differ, and
// can tell so when they greet each other.
func stampOf(root, glue string) (string, error) {
	var manifest struct{ Version string }
	path := filepath.Join(root, "js", "package.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if manifest.Version == "" {
		return "", fmt.Errorf("%s: has no version", path)
	}
	compiler, err := goEnv(root, "GOVERSION")
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintln(hash, compiler)
	add := func(name, path string) error {
		data, err := os.ReadFile(path)
		fmt.Fprintf(hash, "%s %d\n", filepath.ToSlash(name), len(data))
		hash.Write(data)
		return err
	}
	if err := add("wasm_exec.js", glue); err != nil {
		return "", err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := add(name, filepath.Join(root, name)); err != nil {
			return "", err
		}
	}
	for _, folder := range []string{"calls", "engine", "js", "wasm"} {
		err := walk(filepath.Join(root, folder), func(path string) error {
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			return add(name, path)
		})
		if err != nil {
			return "", err
		}
	}
	return manifest.Version + "+" + hex.EncodeToString(hash.Sum(nil))[:10], nil
}

// stamp writes the version into all files of js that have the placeholder.
func stamp(js, version string) error {
	stamped := 0
	err := walk(js, func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(data), placeholder) {
			return err
		}
		stamped++
		text := strings.ReplaceAll(string(data), placeholder, "const version = '"+version+"'")
		return os.WriteFile(path, []byte(text), 0o644)
	})
	if err == nil && stamped == 0 {
		err = fmt.Errorf("js/: no file has %q, the place of the version", placeholder)
	}
	return err
}
