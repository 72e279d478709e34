package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// copySources copies what dist is made of to another folder.
func copySources(t *testing.T, to string) {
	t.Helper()
	for _, folder := range []string{"engine", "js", "site", "wasm"} {
		if err := copyTree(filepath.Join("..", folder), filepath.Join(to, folder)); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"go.mod", "go.sum", "bench/last.json"} {
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

// The two builds share nothing: other folders, another cache of the compiler.
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
		"index.html", "speed.html", "js/vitrine.js", "js/vitrine.d.ts", "js/worker.js", "js/vitrine.wasm",
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
	kinds := []string{".css", ".html", ".ico", ".jpg", ".js", ".json", ".md", ".png", ".safetensors", ".svg", ".ts", ".txt", ".wasm", ".webmanifest", ".webp"}
	for name := range files {
		if !slices.Contains(kinds, path.Ext(name)) {
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
	from, to := filepath.Join(t.TempDir(), "last.json"), filepath.Join(t.TempDir(), "speed.html")
	if err := os.WriteFile(from, []byte(`{"turns": "many"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeSpeedPage(from, to); err == nil || !strings.Contains(err.Error(), from) || !strings.Contains(err.Error(), "Turns") {
		t.Errorf("the error is %v, want one that names the file and the key", err)
	}
	// What could not run has its reason, as text.
	page, err := speedPage([]byte(`{"models": [{"title": "ViT <b>", "rows": [{"name": "Vitrine q8", "reason": "no <memory>"}]}]}`))
	if err != nil || !bytes.Contains(page, []byte("ViT &lt;b&gt;")) || !bytes.Contains(page, []byte("left out: no &lt;memory&gt;")) {
		t.Errorf("%v in\n%s", err, page)
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
