// Package golden finds the golden cases and prints a row for each. Only tests use it.
//
// testdata/golden/README.md describes the layout of a folder of cases.
package golden

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Status is the first word of a row.
type Status string

// The statuses.
const (
	OK        Status = "ok"
	Fail      Status = "FAIL"
	Unclaimed Status = "unclaimed" // the case was not run, for a stated reason
)

// Verdict returns OK if the outputs are the same as upstream's, else Fail.
func Verdict(same bool) Status {
	if same {
		return OK
	}
	return Fail
}

// Absent is the status of a case that isn't read: Fail for a case of the tree, since
// everything in testdata/golden is claimed, and Unclaimed for others. path is the
// case's file.
func Absent(t testing.TB, path string) Status {
	t.Helper()
	tree, err := filepath.Abs(Tree(t))
	if err != nil {
		t.Fatal(err)
	}
	if path, err = filepath.Abs(path); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(path, tree+string(filepath.Separator)) {
		return Fail
	}
	return Unclaimed
}

// Row prints a row: status, name (kind/case/run), and as detail the worst difference
// over the scale, the number of differences, or the reason. Fail fails the test.
func Row(t testing.TB, status Status, name, detail string) {
	t.Helper()
	fmt.Printf("%s %s %s\n", status, name, detail)
	if status == Fail {
		t.Errorf("%s: %s", name, detail)
	}
}

// Cases returns the files that match a pattern such as models/*/expected.json in all
// Folders. A case whose files all equal those of an earlier case is left out. No case
// at all fails the test.
func Cases(t testing.TB, pattern string) []string {
	t.Helper()
	var cases []string
	seen := map[string]bool{}
	for _, folder := range Folders(t) {
		files, err := filepath.Glob(filepath.Join(folder, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if sum := fingerprint(t, file); !seen[sum] {
				seen[sum] = true
				cases = append(cases, file)
			}
		}
	}
	if len(cases) == 0 {
		t.Fatalf("no case matches %s, not even in testdata/golden", pattern)
	}
	return cases
}

// fingerprint hashes a case: all files in the folder of file, or, for the texts of a
// tokenizer (NAME.jsonl), file and all files in the folder NAME beside it.
func fingerprint(t testing.TB, file string) string {
	t.Helper()
	hash := sha256.New()
	add := func(name, path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(hash, "%s %d\n", name, len(data))
		hash.Write(data)
	}
	folder := filepath.Dir(file)
	if tokenizer, ok := strings.CutSuffix(file, ".jsonl"); ok {
		add("", file)
		folder = tokenizer
	}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if path == folder && errors.Is(err, fs.ErrNotExist) {
			return nil // a tokenizer whose files are not stored
		}
		if err == nil && !entry.IsDir() {
			add(strings.TrimPrefix(path, folder), path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(hash.Sum(nil))
}

// Folders returns the folders of cases: testdata/golden, the folders that the
// environment variable VITRINE_GOLDEN names, separated by colons, and shared/fixtures
// beside the checkout if it exists.
func Folders(t testing.TB) []string {
	t.Helper()
	root := checkout(t)
	list := []string{Tree(t)}
	for _, named := range filepath.SplitList(os.Getenv("VITRINE_GOLDEN")) {
		if !filepath.IsAbs(named) {
			named = filepath.Join(root, named) // tests run in the folders of their packages
		}
		if info, err := os.Stat(named); err != nil || !info.IsDir() {
			t.Fatalf("VITRINE_GOLDEN names %s, which is not a folder", named)
		}
		list = append(list, named)
	}
	if shared := filepath.Join(root, "..", "shared", "fixtures"); exists(shared) {
		list = append(list, shared)
	}
	return list
}

// Tree is testdata/golden.
func Tree(t testing.TB) string {
	t.Helper()
	return filepath.Join(checkout(t), "testdata", "golden")
}

// checkout returns the folder of go.mod.
func checkout(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(folder, "go.mod")) {
		above := filepath.Dir(folder)
		if above == folder {
			t.Fatal("no go.mod in any folder above")
		}
		folder = above
	}
	return folder
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
