package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// examples are the changes of docs/contributing.md, each with the example of its list and
// the words by which the sources name the example.
var examples = map[string]*regexp.Regexp{
	"A family":            regexp.MustCompile(`"dinov3_vit"`),
	"A call":              regexp.MustCompile(`\b[aA]ttentionStack\b`),
	"An activation":       regexp.MustCompile(`quick_gelu|\bQuickGELU\b`),
	"A format of weights": regexp.MustCompile(`BF16`),
}

// usersOf are files that name an example without being touched by a new one: they use it.
var usersOf = map[string][]string{
	// CLIP's default; open_clip's key and timm's word for it.
	"An activation": {"engine/family/rows.go", "engine/family/openclip.go", "engine/family/timm.go"},
}

// TestChangesTouchWhatIsListed: docs/contributing.md lists the files that a family, a call,
// an activation and a format of weights touch. No other source names the examples of the
// lists, and every source of a list does.
func TestChangesTouchWhatIsListed(t *testing.T) {
	t.Chdir("..")
	document, err := os.ReadFile("docs/contributing.md")
	if err != nil {
		t.Fatal(err)
	}
	sources := readSources(t)
	for heading, words := range examples {
		_, section, found := strings.Cut(string(document), "### "+heading+"\n")
		if !found {
			t.Errorf("docs/contributing.md has no heading %q", heading)
			continue
		}
		section, _, _ = strings.Cut(section, "\n### ")
		listed := map[string]bool{}
		for line := range strings.Lines(section) {
			if !strings.HasPrefix(line, "- ") {
				continue
			}
			for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
				if _, ok := sources[span[1]]; ok {
					listed[span[1]] = true
				}
			}
		}
		naming := map[string]bool{}
		for path, text := range sources {
			if words.MatchString(text) && !slices.Contains(usersOf[heading], path) {
				naming[path] = true
			}
		}
		if !maps.Equal(listed, naming) {
			t.Errorf("%s: docs/contributing.md lists the sources %v, but those that name its example are %v",
				heading, slices.Sorted(maps.Keys(listed)), slices.Sorted(maps.Keys(naming)))
		}
	}
}

// readSources reads the sources of the engine, the calls, the WASM, the scripts and the
// command, without tests, tools for tests and comments, by path. The site, the bench and the
// tests use what is there; they are no part of it.
func readSources(t *testing.T) map[string]string {
	t.Helper()
	comment := regexp.MustCompile(`(?m)(^|\s)//.*$`)
	sources := map[string]string{}
	for _, folder := range []string{"engine", "calls", "wasm", "js", "cmd"} {
		err := eachFile(folder, func(path string) error {
			path = filepath.ToSlash(path)
			if !slices.Contains([]string{".go", ".js", ".ts", ".wgsl"}, filepath.Ext(path)) || strings.Contains(path, "internal/golden") {
				return nil
			}
			data, err := os.ReadFile(path)
			sources[path] = comment.ReplaceAllString(string(data), "")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return sources
}
