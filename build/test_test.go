package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A test that hangs is ended by its limit and named.
func TestGoTestsThatHangAreEnded(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"go.mod":    "module hang\n\ngo 1.26\n",
		"a_test.go": "package hang\n\nimport (\n\"testing\"\n\"time\"\n)\n\nfunc TestEnds(t *testing.T) {}\n\nfunc TestHangs(t *testing.T) { time.Sleep(time.Hour) }\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := goTest(context.Background(), &out, os.Environ(), time.Second, "./..."); err == nil {
		t.Error("a test that hangs passed")
	}
	if !strings.Contains(out.String(), "test timed out after 1s") || !strings.Contains(out.String(), "TestHangs") {
		t.Errorf("the output does not say that TestHangs was ended after 1s:\n%s", &out)
	}
}

// The same holds of tests, loops and hooks in scripts.
func TestScriptsThatHangAreEnded(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("cannot find Node, which runs the tests of the scripts; see build/tools.go")
	}
	for name, body := range map[string]string{
		"a test": "test('ends', () => {})\ntest('hangs', () => new Promise(() => setInterval(() => {}, 1000)))",
		"a loop": "test('hangs', () => { for (;;); })",
		"a hook": "after(() => new Promise(() => setInterval(() => {}, 1000)))\ntest('ends', () => {})",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "hang.test.mjs")
			if err := os.WriteFile(file, []byte("import { after, test } from 'node:test'\n"+body), 0o644); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, "node", "../test/run.mjs", "--limit=3", file).CombinedOutput()
			if err == nil || ctx.Err() != nil {
				t.Errorf("the run ended with %v, %v", err, ctx.Err())
			}
			if !bytes.Contains(out, []byte("ended after its limit of 3 s")) {
				t.Errorf("the output does not say that the file was ended after 3 s:\n%s", out)
			}
		})
	}
}

// A test that is left out of the race detector's run, but renamed, would be there again.
func TestSlowTestsExist(t *testing.T) {
	missing := slices.Clone(slowWithoutGoroutines)
	for _, folder := range []string{"../engine", "../cmd"} {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			data, err := os.ReadFile(path)
			for _, match := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(data, -1) {
				missing = slices.DeleteFunc(missing, func(name string) bool { return name == string(match[1]) })
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(missing) > 0 {
		t.Errorf("slowWithoutGoroutines names tests that do not exist: %v", missing)
	}
}
