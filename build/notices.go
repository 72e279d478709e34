package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// writeLicenses writes Vitrine's licence, and the notices of what vitrine.wasm and
// the scripts contain of others, into each of the folders: a folder that is copied
// alone keeps both.
func writeLicenses(root, goroot string, folders ...string) error {
	notices, err := thirdPartyNotices(root, goroot)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if err := copyFile(filepath.Join(root, "LICENSE"), filepath.Join(folder, "LICENSE")); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "THIRD_PARTY_NOTICES.txt"), notices, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// thirdPartyNotices gives the licences of Go and of every module with a package in
// vitrine.wasm, as their owners wrote them. A module without a licence file is an
// error.
func thirdPartyNotices(root, goroot string) ([]byte, error) {
	list, err := goTool(root, "list", "-deps", wasmTags, "-json=Dir,Standard,Module", "./wasm")
	if err != nil {
		return nil, err
	}
	licenses := map[string][]string{} // files, by module and version
	for decoder := json.NewDecoder(strings.NewReader(list)); ; {
		var pkg struct {
			Dir      string
			Standard bool
			Module   *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := decoder.Decode(&pkg); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if pkg.Standard || pkg.Module.Main {
			continue
		}
		name := pkg.Module.Path + " " + pkg.Module.Version
		for _, folder := range foldersBetween(pkg.Module.Dir, pkg.Dir) {
			files, err := licenseFiles(folder)
			if err != nil {
				return nil, err
			}
			licenses[name] = append(licenses[name], files...)
		}
		if len(licenses[name]) == 0 {
			return nil, fmt.Errorf("%s: the module has no file LICENSE, COPYING or NOTICE; leave it out or add its licence here", name)
		}
	}
	version, err := goEnv(root, "GOVERSION")
	if err != nil {
		return nil, err
	}

	var out bytes.Buffer
	fmt.Fprintln(&out, "vitrine.wasm and the scripts beside it contain the following software.")
	add := func(name, file string) error {
		text, err := os.ReadFile(file)
		fmt.Fprintf(&out, "\n%s\n%s\n\n%s\n", strings.Repeat("-", 80), name, bytes.TrimSpace(text))
		return err
	}
	if err := add("The Go programming language, "+version+" (runtime, standard library, wasm_exec.js)", filepath.Join(goroot, "LICENSE")); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(licenses))
	for name := range licenses {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		slices.Sort(licenses[name])
		for _, file := range slices.Compact(licenses[name]) {
			if err := add(name, file); err != nil {
				return nil, err
			}
		}
	}
	return out.Bytes(), nil
}

// foldersBetween gives inside and the folders above it, up to and with top.
func foldersBetween(top, inside string) []string {
	folders := []string{inside}
	for inside != top && len(inside) > len(top) {
		inside = filepath.Dir(inside)
		folders = append(folders, inside)
	}
	return folders
}

// licenseFiles gives the files of a folder that hold a licence or a notice.
func licenseFiles(folder string) (files []string, err error) {
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		name, _, _ := strings.Cut(strings.ToUpper(entry.Name()), ".")
		if !entry.IsDir() && slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}, name) {
			files = append(files, filepath.Join(folder, entry.Name()))
		}
	}
	return files, err
}
