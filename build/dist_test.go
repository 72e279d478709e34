package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// copySources copies the sources of dist to another folder.
func copySources(t *testing.T, to string) {
	t.Helper()
	for _, folder := range []string{"calls", "engine", "js", "site", "wasm"} {
		if err := copyTree(filepath.Join("..", folder), filepath.Join(to, folder)); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"go.mod", "go.sum", "LICENSE", "bench/last.json"} {
		if err := copyFile(filepath.Join("..", file), filepath.Join(to, file)); err != nil {
			t.Fatal(err)
		}
	}
}

// contents gives all files of a folder.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(folder, path)
		files[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The two builds share neither the folder nor the compiler's cache.
func TestTwoBuildsGiveTheSameBytes(t *testing.T) {
	var built [2]map[string]string
	var versions [2]string
	for i, name := range []string{"one", "another with a longer name"} {
		root := filepath.Join(t.TempDir(), name)
		copySources(t, root)
		if i == 1 {
			t.Setenv("GOCACHE", filepath.Join(t.TempDir(), "cache"))
		}
		out := filepath.Join(root, "dist")
		var err error
		if versions[i], err = build(root, out); err != nil {
			t.Fatal(err)
		}
		built[i] = contents(t, out)
	}
	if versions[0] != versions[1] {
		t.Errorf("the versions are %s and %s", versions[0], versions[1])
	}
	for name, data := range built[0] {
		if built[1][name] != data {
			t.Errorf("%s differs", name)
		}
	}
	if len(built[0]) != len(built[1]) {
		t.Errorf("%d files and %d", len(built[0]), len(built[1]))
	}
}

func TestDistHoldsWhatAPageNeedsAndNoMore(t *testing.T) {
	out := filepath.Join(t.TempDir(), "dist")
	if err := os.MkdirAll(filepath.Join(out, "js"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "js", "stale.js"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	version, err := build("..", out)
	if err != nil {
		t.Fatal(err)
	}
	files := contents(t, out)
	for _, name := range []string{
		"index.html", "pages/index.js", "pages/index.css", "pages/theme.js", "speed.html", "pages/speed.css", "licenses/lit-html.txt", "js/vitrine.js", "js/vitrine.d.ts", "js/worker.js", "js/vitrine.wasm",
		"models/emoji-clip/README.md", "models/emoji-clip/config.json", "models/emoji-clip/preprocessor_config.json",
		"models/emoji-clip/model.safetensors", "models/emoji-clip/vocab.json", "models/emoji-clip/merges.txt",
	} {
		if files[name] == "" {
			t.Errorf("%s is missing or empty", name)
		}
	}
	if _, ok := files["js/stale.js"]; ok {
		t.Error("a file of the build before is still there")
	}
	// Pages name these files, and the scripts find each other by them.
	var scripts []string
	for name := range files {
		if strings.HasPrefix(name, "js/") {
			scripts = append(scripts, strings.TrimPrefix(name, "js/"))
		}
	}
	slices.Sort(scripts)
	want := []string{
		"LICENSE", "THIRD_PARTY_NOTICES.txt", "kernels/plain.wasm", "kernels/relaxed.wasm", "package.json", "share-worker.js",
		"vitrine.d.ts", "vitrine.js", "vitrine.wasm", "webgpu.js", "worker.js",
	}
	if !slices.Equal(scripts, want) {
		t.Errorf("js/ holds %v, want %v", scripts, want)
	}
	kinds := []string{"", ".css", ".html", ".ico", ".jpg", ".js", ".json", ".md", ".png", ".safetensors", ".svg", ".ts", ".txt", ".wasm", ".webmanifest", ".webp"}
	for name := range files {
		if !slices.Contains(kinds, path.Ext(name)) || path.Ext(name) == "" && path.Base(name) != "LICENSE" {
			t.Errorf("%s: files of this kind do not belong into dist", name)
		}
	}
	for _, name := range []string{"js/vitrine.js", "js/worker.js", "js/vitrine.wasm"} {
		if !strings.Contains(files[name], version) {
			t.Errorf("%s does not know the version %s", name, version)
		}
	}
	for name, data := range files {
		if strings.HasSuffix(name, ".js") && strings.Contains(data, placeholder) {
			t.Errorf("%s has the placeholder of the version still", name)
		}
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(out), ".dist-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the build left %v behind, %v", left, err)
	}
}

// Whoever gets dist/, or dist/js alone, gets the licences with it.
func TestDistHoldsTheLicenses(t *testing.T) {
	out := filepath.Join(t.TempDir(), "dist")
	if _, err := build("..", out); err != nil {
		t.Fatal(err)
	}
	files := contents(t, out)
	for _, folder := range []string{"", "js/"} {
		license := files[folder+"LICENSE"]
		for _, part := range []string{"Apache License", "Version 2.0, January 2004", "END OF TERMS AND CONDITIONS", "Copyright 2026 The Vitrine Authors"} {
			if !strings.Contains(license, part) {
				t.Errorf("%sLICENSE does not contain %q", folder, part)
			}
		}
		notices := files[folder+"THIRD_PARTY_NOTICES.txt"]
		for _, part := range []string{
			"The Go programming language, go1.", "Copyright 2009 The Go Authors.",
			"github.com/norunners/vert v0.0.0", "Copyright (c) 2018",
			"github.com/syumai/tinyutil v0.3.2", "Copyright 2022-present [syumai]",
		} {
			if !strings.Contains(notices, part) {
				t.Errorf("%sTHIRD_PARTY_NOTICES.txt does not contain %q", folder, part)
			}
		}
		if strings.Contains(notices, "esbuild") {
			t.Errorf("%sTHIRD_PARTY_NOTICES.txt names esbuild, which is not part of dist", folder)
		}
	}
	var manifest struct {
		License string
		Files   []string
	}
	if err := json.Unmarshal([]byte(files["js/package.json"]), &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.License != "Apache-2.0" {
		t.Errorf("js/package.json names the licence %q", manifest.License)
	}
	// npm packs package.json itself without being asked.
	for name := range files {
		inside, ok := strings.CutPrefix(name, "js/")
		if !ok || inside == "package.json" {
			continue
		}
		first, _, _ := strings.Cut(inside, "/")
		if !slices.ContainsFunc(manifest.Files, func(pattern string) bool {
			matched, err := path.Match(pattern, first)
			return err == nil && matched
		}) {
			t.Errorf("%s lies in dist, but \"files\" of js/package.json leaves it out", name)
		}
	}
	card := files["models/emoji-clip/README.md"]
	if !strings.HasPrefix(card, "---\nlicense: apache-2.0\n") {
		t.Error("the card of emoji-clip does not begin with its licence")
	}
}

func TestModulesWithoutALicenseAreRefused(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":          "module app\n\ngo 1.26\n\nrequire example.org/bare v1.0.0\n\nreplace example.org/bare => ./bare\n",
		"wasm/main.go":    "package main\n\nimport _ \"example.org/bare/inner\"\n\nfunc main() {}\n",
		"bare/go.mod":     "module example.org/bare\n",
		"bare/inner/a.go": "package inner\n",
	} {
		file := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := thirdPartyNotices(root, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "example.org/bare") {
		t.Errorf("the error is %v, want one that names example.org/bare", err)
	}
}

func TestDownloadIsBounded(t *testing.T) {
	out := filepath.Join(t.TempDir(), "dist")
	if _, err := build("..", out); err != nil {
		t.Fatal(err)
	}
	files, err := measure(out)
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := printSizes(&table, files); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", &table)
	page := total(files, "page")
	if page.gzip > maxDownload {
		t.Errorf("a page downloads %d bytes of gzip before the model, more than %d", page.gzip, maxDownload)
	}
	if page.gzip < 500_000 {
		t.Errorf("a page downloads %d bytes of gzip before the model: less than any Go program", page.gzip)
	}
	for _, name := range []string{"js/vitrine.wasm", "index.html"} {
		if !strings.Contains(table.String(), " "+name+"\n") {
			t.Errorf("the table has no row for %s", name)
		}
	}
}

func TestSpeedPageSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "last.json")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"turns": "many"}`)
	if _, err := readCharts(file); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "Turns") {
		t.Errorf("the error is %v, want one that names the file and the key", err)
	}
	// A contestant that could not run has its reason, as text.
	write(`{"models": [{"title": "ViT <b>", "rows": [{"name": "Vitrine q8", "reason": "no <memory>"}]}]}`)
	speed, err := readCharts(file)
	if err != nil {
		t.Fatal(err)
	}
	site := filepath.Join("..", "site")
	text, err := renderPage(site, filepath.Join(site, "speed.html"), page{Name: "speed", Speed: speed})
	if err != nil || !bytes.Contains(text, []byte("ViT &lt;b&gt;")) || !bytes.Contains(text, []byte("left out: no &lt;memory&gt;")) {
		t.Errorf("%v in\n%s", err, text)
	}
}

// A page asks at once for everything that it needs before its first answer, and its
// policy allows what it does and no more.
func TestPagesLoadWhatTheyNeed(t *testing.T) {
	out := t.TempDir()
	if err := writeSite("..", out); err != nil {
		t.Fatal(err)
	}
	files := contents(t, out)
	importOf := regexp.MustCompile(`import\s*(?:[^"'()]*\bfrom\s*)?"(\.[^"]+)"`)
	for name, connect := range map[string]string{"index": "*", "speed": "&#39;self&#39;"} {
		text := files[name+".html"]
		if !strings.Contains(text, "connect-src "+connect+";") {
			t.Errorf("%s.html: its policy does not say connect-src %s", name, connect)
		}
		asked := []string{}
		for _, m := range regexp.MustCompile(`(?:href|src)="(pages/[^"]+|js/[^"]+)"`).FindAllStringSubmatch(text, -1) {
			asked = append(asked, m[1])
			if files[m[1]] == "" && !strings.HasPrefix(m[1], "js/") {
				t.Errorf("%s.html asks for %s, which is not there", name, m[1])
			}
		}
		for i := 0; i < len(asked); i++ { // grows while something is missing
			for _, m := range importOf.FindAllStringSubmatch(files[asked[i]], -1) {
				if imported := path.Join(path.Dir(asked[i]), m[1]); !slices.Contains(asked, imported) {
					t.Errorf("%s.html does not ask for %s, which %s imports", name, imported, asked[i])
					asked = append(asked, imported)
				}
			}
		}
		if want := "pages/" + name + ".css"; !slices.Contains(asked, want) {
			t.Errorf("%s.html does not ask for %s", name, want)
		}
		if uses := slices.Contains(asked, "js/vitrine.js"); uses != (name == "index") {
			t.Errorf("%s.html asks for the library: %v", name, uses)
		}
	}
}

func TestStampWantsAPlaceholder(t *testing.T) {
	js := t.TempDir()
	if err := os.WriteFile(filepath.Join(js, "vitrine.js"), []byte("export const edition = 'dev'"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := stamp(js, "1.0.0+abc"); err == nil {
		t.Error("no error, where no file has a place for the version")
	}
}

func TestBrokenSourcesLeaveDistAsItWas(t *testing.T) {
	root := t.TempDir()
	copySources(t, root)
	if err := os.WriteFile(filepath.Join(root, "wasm", "broken.go"), []byte("package main\nfunc\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(root, "dist")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "index.html"), []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := build(root, out); err == nil || !strings.Contains(err.Error(), "broken.go") {
		t.Errorf("the error is %v, want one that names broken.go", err)
	}
	if files := contents(t, out); len(files) != 1 || files["index.html"] != "before" {
		t.Errorf("dist holds %v", files)
	}
}

func TestBuildScriptRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{{"dance"}, {"--fast"}, {"serve", "8080"}} {
		out, err := exec.Command("../build.sh", args...).CombinedOutput()
		if code := err.(*exec.ExitError).ExitCode(); code != 2 {
			t.Errorf("build.sh %v ended with %d, want 2", args, code)
		}
		if !bytes.Contains(out, []byte("usage: ./build.sh")) {
			t.Errorf("build.sh %v printed %q, want its usage", args, out)
		}
	}
}
