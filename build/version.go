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

// placeholder is the version in the sources of the scripts that compare versions with
// another part. In wasm/, main.version is "dev" too.
const placeholder = "const version = 'dev'"

// stampOf gives the version of js/package.json with a short hash of everything that the
// engine is made from. Scripts and WASM of different builds then have different versions,
// which they compare when they start.
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
		err := eachFile(filepath.Join(root, folder), func(path string) error {
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
	err := eachFile(js, func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(data), placeholder) {
			return err
		}
		stamped++
		text := strings.ReplaceAll(string(data), placeholder, "const version = '"+version+"'")
		return os.WriteFile(path, []byte(text), 0o644)
	})
	if err == nil && stamped == 0 {
		err = fmt.Errorf("js/: no file contains %q, which the version replaces", placeholder)
	}
	return err
}
