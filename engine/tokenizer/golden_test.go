package tokenizer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/engine/fault"
	"vitrine/engine/internal/golden"
)

// goldenRow is a line of a golden file, of any kind.
type goldenRow struct {
	Text       string
	Fast       []int32 // CLIP; SigLIP, only where tokenizer.json may differ
	Fast77     []int32 // CLIP, only where truncated
	Slow       []int32 // SigLIP
	SlowPadded []int32 `json:"slow_padded"`
	IDs        []int32 // Gemma
	LowerIDs   []int32 `json:"lower_ids"`
}

// TestGoldenTokenizers runs every golden file through every file format that its
// tokenizer has, and prints a row for each golden file.
func TestGoldenTokenizers(t *testing.T) {
	for _, file := range golden.Cases(t, "tokenizers/*.jsonl") {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		rows, folder := readGolden(t, file), strings.TrimSuffix(file, ".jsonl")
		if !exists(folder) {
			folder = packaged(t, file, name)
		}
		var ran []string
		var refused error
		ids, texts := 0, 0
		for _, format := range []string{"spiece.model", "tokenizer.json", "tokenizer_plain.json", "vocab.json"} {
			if !exists(filepath.Join(folder, format)) {
				continue
			}
			ran = append(ran, format)
			problems, err := compareGolden(rows, folder, format)
			refused = errors.Join(refused, err)
			for _, p := range problems {
				ids += p.ids
				if texts++; texts <= 5 {
					t.Log(p.what)
				}
			}
		}
		row := "tokenizers/" + name
		switch {
		case ran == nil:
			golden.Row(t, golden.Absent(t, file), row, "its tokenizer's files are not here; npm ci brings those of Gemma")
		case fault.CodeOf(refused) == fault.Unsupported:
			golden.Row(t, golden.Absent(t, file), row, refused.Error())
		case refused != nil:
			golden.Row(t, golden.Fail, row, refused.Error())
		default:
			golden.Row(t, golden.Verdict(texts == 0), row,
				fmt.Sprintf("%d ids differ, in %d of %d texts, by %s", ids, texts, len(ran)*len(rows), strings.Join(ran, ", ")))
		}
	}
}

// packaged returns the folder of a tokenizer that is too large for a repository:
// manifest.json names the file in a package that the tests install, and its hash.
// It returns "" if the package is not installed.
func packaged(t *testing.T, file, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(filepath.Dir(file), "manifest.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	var manifest struct {
		Tokenizers map[string]struct {
			Package string
			Sha256  string `json:"tokenizer_json_sha256"`
		}
	}
	if err == nil {
		err = json.Unmarshal(data, &manifest)
	}
	if err != nil {
		t.Fatal(err)
	}
	about := manifest.Tokenizers[name]
	path := filepath.Join("..", "..", "node_modules", filepath.FromSlash(about.Package))
	if about.Package == "" || !exists(path) {
		return ""
	}
	if data, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != about.Sha256 {
		t.Errorf("%s is not the file that the cases were made with", about.Package)
	}
	return filepath.Dir(path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func readGolden(t *testing.T, file string) (rows []goldenRow) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for lines.Scan() {
		var row goldenRow
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		t.Fatalf("%s is empty", file)
	}
	return rows
}

// problem is a text whose encoding is not the expected one.
type problem struct {
	ids  int // number of ids that differ
	what string
}

// differing counts the positions at which the ids differ.
func differing(got, want []int32) int {
	n := max(len(got), len(want)) - min(len(got), len(want))
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			n++
		}
	}
	return n
}

// compareGolden returns the texts whose encodings differ.
func compareGolden(rows []goldenRow, folder, format string) (problems []problem, err error) {
	open := func(family Family, length int, config string) Tokenizer {
		tok, failed := loadFrom(only(folder, format, config), Options{MaxLength: length, Family: family})
		err = errors.Join(err, failed)
		return tok
	}
	check := func(tok Tokenizer, text string, pad int, want ...[]int32) {
		e := tok.Encode(text)
		got := slices.Clone(e.IDs)
		for len(got) < pad {
			got = append(got, tok.Pad())
		}
		if !slices.ContainsFunc(want, func(w []int32) bool { return slices.Equal(got, w) }) {
			problems = append(problems, problem{differing(got, want[0]), fmt.Sprintf("%s of %.80q: got %v, want %v", format, text, got, want)})
		}
		if len(e.Pieces) != len(e.IDs) {
			problems = append(problems, problem{0, fmt.Sprintf("%s of %.80q: %d pieces for %d ids", format, text, len(e.Pieces), len(e.IDs))})
		}
	}
	switch first := rows[0]; {
	case first.Slow != nil:
		length := len(first.SlowPadded)
		// model_max_length would cut the long rows of the key slow.
		whole, padded := open(SigLIP, 0, `"model_max_length"`), open(SigLIP, length, "")
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			want := [][]int32{r.Slow}
			if r.Fast != nil && format != "spiece.model" {
				want = append(want, r.Fast)
			}
			check(whole, r.Text, 0, want...)
			if len(want) == 1 {
				check(padded, r.Text, length, r.SlowPadded)
			}
		}
	case first.IDs != nil:
		eos := []int32{1}
		asIs, lower := open(SigLIP2, 0, `{"do_lower_case": false}`), open(SigLIP, 0, "{}")
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			check(asIs, r.Text, 0, append(r.IDs, eos...))
			check(lower, r.Text, 0, append(r.LowerIDs, eos...))
		}
	default:
		whole, cut := open(CLIP, 0, `"model_max_length"`), open(CLIP, 77, "")
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			check(whole, r.Text, 0, r.Fast)
			want := r.Fast
			if r.Fast77 != nil {
				want = r.Fast77
			}
			check(cut, r.Text, 0, want)
			if got := cut.Encode(r.Text).Truncated; got != (r.Fast77 != nil) {
				problems = append(problems, problem{0, fmt.Sprintf("%s of %.80q: truncated is %v", format, r.Text, got)})
			}
		}
	}
	return problems, nil
}

// only reads a folder as if format were its only tokenizer file. config is a
// tokenizer_config.json to use instead of the folder's, or a key of it, in quotes, to
// leave out.
func only(folder, format, config string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		hidden := func() error { return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist} }
		switch name {
		case "tokenizer_config.json", "special_tokens_map.json":
			if strings.HasPrefix(config, "{") {
				return []byte(config), nil
			}
			data, err := os.ReadFile(filepath.Join(folder, name))
			if config != "" {
				data = bytes.ReplaceAll(data, []byte(config), []byte(`"left_out"`))
			}
			return data, err
		case "spiece.model", "tokenizer.json":
			if name == "tokenizer.json" && strings.HasPrefix(format, "tokenizer") {
				name = format
			}
			if format != name {
				return nil, hidden()
			}
		case "vocab.json", "merges.txt":
			if format != "vocab.json" {
				return nil, hidden()
			}
		}
		return os.ReadFile(filepath.Join(folder, name))
	}
}
