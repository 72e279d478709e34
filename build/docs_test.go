package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	codeSpan   = regexp.MustCompile("`([^`\n]+)`")
	linkTarget = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fence      = regexp.MustCompile("(?s)```.*?```")
	// engine/load.go, or engine/load.go:Load with a name that stands in the file.
	filePath = regexp.MustCompile(`^([\w.-]+(?:/[\w.-]+)*/?)(?::(\w+))?$`)
)

// Documents name files and functions; those must exist. A code span is a path if it
// begins with a folder of the root or of engine/, or is a file of the root. What the
// build makes is written with dist/ before it and is not looked for.
func TestDocumentsNameWhatExists(t *testing.T) {
	t.Chdir("..")
	documents, err := filepath.Glob("docs/*.md")
	if err != nil || len(documents) == 0 {
		t.Fatalf("found no documents in docs/: %v", err)
	}
	documents = append(documents, "README.md", "CONTRIBUTING.md", "RATIONALE.md", "FEATURES.md", "CHANGELOG.md")
	// internal/ and calls/ stand here so that a page that names a missing one fails.
	tops := []string{"bench", "build", "calls", "cmd", "docs", "engine", "internal", "js", "site", "test", "testdata", "wasm"}
	packages, err := filepath.Glob("engine/*/")
	if err != nil {
		t.Fatal(err)
	}
	for i, folder := range packages {
		packages[i] = filepath.Base(folder)
	}
	named := 0
	for _, document := range documents {
		data, err := os.ReadFile(document)
		if err != nil {
			t.Error(err)
			continue
		}
		text := fence.ReplaceAllString(string(data), "")
		for _, match := range linkTarget.FindAllStringSubmatch(text, -1) {
			target, _, _ := strings.Cut(match[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), target)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", document, match[1])
			}
		}
		for _, match := range codeSpan.FindAllStringSubmatch(text, -1) {
			parts := filePath.FindStringSubmatch(match[1])
			if parts == nil {
				continue
			}
			file, name := parts[1], parts[2]
			top, rest, inside := strings.Cut(file, "/")
			switch {
			case inside && slices.Contains(tops, top):
			case inside && rest != "" && slices.Contains(packages, top):
				file = filepath.Join("engine", file)
			case !inside && (strings.HasSuffix(file, ".md") || strings.HasSuffix(file, ".sh") || name != ""):
			default:
				continue
			}
			named++
			data, err := os.ReadFile(file)
			if info, statErr := os.Stat(file); statErr != nil {
				t.Errorf("%s names %s, which does not exist", document, match[1])
			} else if name != "" && (err != nil || info.IsDir() || !regexp.MustCompile(`\b`+name+`\b`).Match(data)) {
				t.Errorf("%s names %s, but %s does not contain %s", document, match[1], file, name)
			}
		}
	}
	if named < 50 {
		t.Errorf("found %d paths in the documents; the test looks for the wrong form", named)
	}
}
