package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/png"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const (
	emojiClip = "../../site/models/emoji-clip"
	cat       = emojiClip + "/reference/cat.png"
	tinyViT   = "../../testdata/golden/models/vit_image_classification"
)

var program string

// TestMain builds the command once; the tests run it as users do.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "vitrine")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(folder, "vitrine")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	status := m.Run()
	os.RemoveAll(folder)
	os.Exit(status)
}

// command runs the program and returns what it printed and its exit status.
func command(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, complaint bytes.Buffer
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr = &out, &complaint
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), complaint.String(), c.ProcessState.ExitCode()
}

// answer runs the program with --json and decodes the line that it prints.
func answer(t *testing.T, into any, args ...string) {
	t.Helper()
	stdout, stderr, status := command(t, append(args, "--json")...)
	if status != 0 {
		t.Fatalf("%v ended with %d: %s", args, status, stderr)
	}
	decoder := json.NewDecoder(strings.NewReader(stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%v printed %.300s: %v", args, stdout, err)
	}
}

// expected is upstream's result for one picture of emoji-clip.
type expected struct {
	File      string
	Embedding []float64 `json:"image_embedding_first_8"`
	Ranking   []struct {
		Label                    string
		Similarity, Logit, Score float64
	}
}

// reference reads reference.json of emoji-clip.
func reference(t *testing.T) (labels []string, texts map[string][]float64, pictures []expected) {
	t.Helper()
	data, err := os.ReadFile(emojiClip + "/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Labels   []string
		Texts    map[string][]float64 `json:"text_embedding_first_8"`
		Pictures []expected
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r.Labels, r.Texts, r.Pictures
}

func near(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }

func TestRank(t *testing.T) {
	labels, _, pictures := reference(t)
	for _, want := range pictures {
		var got struct {
			Image   string
			Ranking []struct {
				Label                    string
				Index                    int
				Similarity, Logit, Score float64
			}
			Method string
			Ms     struct{ Decode, Preprocess, Encode, Device float64 }
		}
		file := filepath.Join(emojiClip, want.File)
		answer(t, &got, append([]string{"rank", "--model", emojiClip, file}, labels...)...)
		if got.Image != file || got.Method != "softmax" || len(got.Ranking) != len(want.Ranking) || got.Ms.Decode <= 0 || got.Ms.Encode <= 0 {
			t.Errorf("%s: got %+v", want.File, got)
			continue
		}
		for i, w := range want.Ranking {
			g := got.Ranking[i]
			if g.Label != w.Label || labels[g.Index] != w.Label || !near(g.Similarity, w.Similarity, 1e-4) || !near(g.Logit, w.Logit, 1e-3) || !near(g.Score, w.Score, 1e-4) {
				t.Errorf("%s: rank %d is %+v, want %+v", want.File, i, g, w)
			}
		}
	}
}

func TestRankForPeople(t *testing.T) {
	out, _, status := command(t, "rank", "--model", emojiClip, "--template", "a drawing of a {}", cat, "house", "cat")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if status != 0 || len(lines) != 3 || !strings.HasSuffix(lines[1], " cat") || !strings.HasSuffix(lines[2], " house") || !strings.Contains(lines[1], "%") {
		t.Errorf("status %d, printed:\n%s", status, out)
	}
}

func TestEmbed(t *testing.T) {
	_, texts, pictures := reference(t)
	for _, want := range pictures {
		var got struct {
			Image     string
			Embedding []float64
			Ms        any
		}
		answer(t, &got, "embed", "--model", emojiClip, filepath.Join(emojiClip, want.File))
		if len(got.Embedding) != 128 {
			t.Fatalf("%d values, want 128", len(got.Embedding))
		}
		length := 0.0
		for i, v := range got.Embedding {
			length += v * v
			if i < len(want.Embedding) && !near(v, want.Embedding[i], 1e-4) {
				t.Errorf("%s: value %d is %v, want %v", want.File, i, v, want.Embedding[i])
			}
		}
		if !near(length, 1, 1e-5) {
			t.Errorf("%s: length² %v, want 1", want.File, length)
		}
	}
	var got struct {
		Embeddings [][]float64
		Truncated  []bool
	}
	answer(t, &got, "embed", "--model", emojiClip, "--text", "cat", "--text", "light bulb, "+strings.Repeat("cat ", 40))
	if len(got.Embeddings) != 2 || got.Truncated[0] || !got.Truncated[1] {
		t.Fatalf("%d embeddings, truncated %v", len(got.Embeddings), got.Truncated)
	}
	for i, want := range texts["cat"] {
		if !near(got.Embeddings[0][i], want, 1e-4) {
			t.Errorf("text value %d is %v, want %v", i, got.Embeddings[0][i], want)
		}
	}
	var raw struct {
		Embeddings [][]float64
		Truncated  []bool
	}
	answer(t, &raw, "embed", "--model", emojiClip, "--no-normalize", "--text", "cat")
	scale := raw.Embeddings[0][0] / got.Embeddings[0][0]
	if near(scale, 1, 1e-2) || !near(raw.Embeddings[0][5]/got.Embeddings[0][5], scale, 1e-4*scale) {
		t.Errorf("--no-normalize gives %v times the unit vector", scale)
	}
}

// classified is what classify --json prints.
type classified struct {
	Image   string
	Classes []struct {
		Label        string
		Index        int
		Logit, Score float64
	}
	Method string
	Ms     any
}

func TestClassify(t *testing.T) {
	var got classified
	names := []string{"tench", "tabby cat", "rocket", "espresso", "astronaut", "motorcycle", "crayon"} // of its config.json
	answer(t, &got, "classify", "--model", tinyViT, "--top-k", "7", tinyViT+"/images/img_0.png")
	sum := 0.0
	for i, c := range got.Classes {
		sum += c.Score
		if c.Label != names[c.Index] || i > 0 && c.Logit > got.Classes[i-1].Logit {
			t.Errorf("rank %d is %+v", i, c)
		}
	}
	if len(got.Classes) != 7 || !near(sum, 1, 1e-6) || got.Method != "softmax" {
		t.Errorf("%d classes, scores of the method %s add up to %v", len(got.Classes), got.Method, sum)
	}
	out, _, _ := command(t, "classify", "--model", tinyViT, "--top-k", "2", tinyViT+"/images/img_0.png", tinyViT+"/images/img_1.png")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 9 || !strings.HasSuffix(lines[5], "img_1.png") || !strings.HasSuffix(lines[2], got.Classes[0].Label) {
		t.Errorf("printed:\n%s", out)
	}
}

// TestClassifyPhotos has a subtest a photo of the trained ViT-Tiny where that lies
// beside the checkout, and none elsewhere.
func TestClassifyPhotos(t *testing.T) {
	const vitTiny = "../../../shared/models/vit-tiny-imagenet"
	data, err := os.ReadFile(vitTiny + "/reference/reference.json")
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var photos map[string]struct {
		Top5   [][3]any
		Logits []float64
	}
	if err := json.Unmarshal(data, &photos); err != nil {
		t.Fatal(err)
	}
	for name, want := range photos {
		var got classified
		answer(t, &got, "classify", "--model", vitTiny, "--top-k", "1000", vitTiny+"/reference/"+name+"_224.png")
		for i, w := range want.Top5 {
			if g := got.Classes[i]; float64(g.Index) != w[0] || g.Label != w[1] || !near(g.Score, w[2].(float64), 1e-3) {
				t.Errorf("%s: rank %d is %+v, want %v", name, i, g, w)
			}
		}
		for _, g := range got.Classes {
			if !near(g.Logit, want.Logits[g.Index], 1e-3) {
				t.Errorf("%s: logit %d is %v, want %v", name, g.Index, g.Logit, want.Logits[g.Index])
			}
		}
	}
}

func TestAttention(t *testing.T) {
	overlay := filepath.Join(t.TempDir(), "overlay.png")
	var got struct {
		Image  string
		Data   []float64
		Shape  []int
		Grid   [2]int
		Layer  int
		Head   *int
		Method string
	}
	answer(t, &got, "attention", "--model", emojiClip, "--layer", "1", "--head", "0", "-o", overlay, cat)
	if got.Grid != [2]int{8, 8} || len(got.Data) != 64 || got.Layer != 1 || got.Head == nil || *got.Head != 0 || got.Method != "raw" {
		t.Errorf("got %+v", got)
	}
	sum, strongest := 0.0, 0
	for i, v := range got.Data {
		sum += v
		if v > got.Data[strongest] {
			strongest = i
		}
	}
	if sum <= 0 || sum >= 1 {
		t.Errorf("the class token's attention to the patches adds up to %v; want less than 1, because it attends to itself too", sum)
	}
	file, err := os.Open(overlay)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	// The patch of the largest value is tinted: it has more red than blue.
	side := picture.Bounds().Dx() / 8
	tint := func(patch int) (sum int) {
		for y := range side {
			for x := range side {
				r, _, b, _ := picture.At(patch%8*side+x, patch/8*side+y).RGBA()
				sum += int(r) - int(b)
			}
		}
		return sum / side / side
	}
	if got := tint(strongest); got < 0x3000 {
		t.Errorf("the strongest patch has a tint of %#x", got)
	}
	out, _, status := command(t, "attention", "--model", emojiClip, "--method", "rollout", cat)
	if lines := strings.Split(out, "\n"); status != 0 || !strings.HasPrefix(out, "rollout") || len(lines) != 10 || !strings.Contains(out, "██") {
		t.Errorf("status %d, printed:\n%s", status, out)
	}
}

func TestPack(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "packed")
	out, complaint, status := command(t, "pack", "--model", emojiClip, "-o", folder)
	if status != 0 || complaint != "" || !strings.Contains(out, "cosine of 0.9999") && !strings.Contains(out, "cosine of 1.0000") {
		t.Fatalf("status %d, %q; printed %s", status, complaint, out)
	}
	for _, dtype := range []string{"auto", "q8"} {
		out, complaint, status = command(t, "rank", "--json", "--model", folder, "--dtype", dtype, cat, "cat", "house")
		if status != 0 || !strings.Contains(out, `"ranking":[{"label":"cat"`) {
			t.Errorf("%s: status %d, %q; printed %.300s", dtype, status, complaint, out)
		}
	}
	if out, complaint, status = command(t, "inspect", "--model", folder); status != 0 || strings.Contains(out, "warning") {
		t.Errorf("inspecting it: status %d, %q; printed %s", status, complaint, out)
	}
	if _, complaint, status = command(t, "pack", "--model", emojiClip, "-o", folder); status != 1 || !strings.Contains(complaint, "already") {
		t.Errorf("packing into a model: status %d, %q", status, complaint)
	}
	if _, complaint, status = command(t, "pack", "--model", folder, "-o", folder+"2"); status != 1 || !strings.Contains(complaint, "packed already") {
		t.Errorf("packing a packed model: status %d, %q", status, complaint)
	}
}

func TestRelevanceFeaturesTraceAndQ8(t *testing.T) {
	for _, c := range []struct {
		args string
		says string
	}{
		{"relevance --method contribution " + cat + " cat fish", "come from no patch"},
		{"features " + cat, "8 × 8 patches of 128 values"},
		{"trace " + cat, "block.3"},
		{"trace --json " + cat, `{"stage":"pixels","shape":[3,64,64]`},
		{"rank --dtype q8 " + cat + " cat house", "cat"},
	} {
		args := strings.Fields(c.args)
		out, complaint, status := command(t, append(args[:1:1], append([]string{"--model", emojiClip}, args[1:]...)...)...)
		if status != 0 || complaint != "" || !strings.Contains(out, c.says) {
			t.Errorf("%s: status %d, %q; printed %.300s", c.args, status, complaint, out)
		}
	}
	for _, args := range []string{"relevance " + cat + " cat", "features " + cat} {
		picture := filepath.Join(t.TempDir(), "map.png")
		if _, complaint, status := command(t, append(strings.Fields(args), "--model", emojiClip, "-o", picture)...); status != 0 {
			t.Fatalf("%s: %s", args, complaint)
		}
		file, err := os.Open(picture)
		if err != nil {
			t.Fatal(err)
		}
		if img, err := png.Decode(file); err != nil || img.Bounds().Dx() < overlaySide {
			t.Errorf("%s wrote %v, %v", args, img, err)
		}
		file.Close()
	}
}

func TestInspect(t *testing.T) {
	var got map[string]any
	for _, args := range [][]string{{"inspect", "--model", emojiClip}, {"inspect", emojiClip}} {
		answer(t, &got, args...)
		for key, want := range map[string]any{"architecture": "CLIPModel", "modelType": "clip", "parameters": 1779329.0, "loads": true, "licence": "apache-2.0"} {
			if got[key] != want {
				t.Errorf("%s is %v, want %v", key, got[key], want)
			}
		}
		if warnings := got["warnings"].([]any); len(warnings) > 0 {
			t.Errorf("warnings about a valid folder: %v", warnings)
		}
	}
	out, _, status := command(t, "inspect", emojiClip)
	for _, want := range []string{"loads ", "yes", "125 of F16", "3.7 MB as f16", "vision: 843008", "reference/cat.png, 13.4 kB, not read"} {
		if status != 0 || !strings.Contains(out, want) {
			t.Errorf("status %d; it does not print %q:\n%s", status, want, out)
		}
	}
}

// inspect of a folder that does not load says why in its verdict and on stderr, and lists
// the files.
func TestInspectOfABrokenFolder(t *testing.T) {
	folder := t.TempDir()
	data, err := os.ReadFile(tinyViT + "/model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"config.json":       `{"model_type": "vit", "architectures": ["ViTModel"], "hidden_act": "swoosh"}`,
		"model.safetensors": string(data),
		"notes.txt":         "x",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, complaint, status := command(t, "inspect", "--model", folder)
	if status != 1 || !strings.Contains(complaint, "config.json") || !strings.Contains(complaint, "swoosh") || strings.Count(complaint, "\n") != 1 {
		t.Errorf("status %d, said %q", status, complaint)
	}
	for _, want := range []string{"no: config.json: hidden_act", "config.json, 0.1 kB", "notes.txt, 0.0 kB, not read"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not print %q:\n%s", want, out)
		}
	}
	var got struct {
		Folder string
		Loads  bool
		Files  []struct{ Name string }
		Error  struct{ Code, Message string }
	}
	out, _, status = command(t, "inspect", "--json", folder)
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != 1 || got.Loads || got.Error.Code != "unsupported" || len(got.Files) != 3 || got.Folder != folder {
		t.Errorf("status %d, %v: %s", status, err, out)
	}
}

// What is odd in a model's files stands on stderr, and the answer on stdout.
func TestWarnings(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(tinyViT)); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(folder + "/config.json")
	if err == nil {
		err = os.WriteFile(folder+"/config.json", bytes.Replace(config, []byte("{"), []byte(`{"sliding_window": 7,`), 1), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, complaint, status := command(t, "classify", "--json", "--model", folder, cat)
	if want := "vitrine: warning: config.json: sliding_window: "; status != 0 || !strings.HasPrefix(complaint, want) || strings.Count(complaint, "\n") != 1 || !json.Valid([]byte(out)) {
		t.Errorf("status %d, said %q, printed %q", status, complaint, out)
	}
}

// A command takes the address of a folder on the web where it takes a folder.
func TestModelsOnTheWeb(t *testing.T) {
	server := httptest.NewServer(http.FileServer(http.Dir(emojiClip)))
	defer server.Close()
	var here, there map[string]any
	answer(t, &here, "inspect", emojiClip)
	answer(t, &there, "inspect", server.URL)
	for _, key := range []string{"architecture", "parameters", "memory", "towers", "bytes", "licence"} {
		if !reflect.DeepEqual(here[key], there[key]) {
			t.Errorf("%s is %v in the folder, %v on the web", key, here[key], there[key])
		}
	}
	answer(t, &here, "rank", "--model", emojiClip, cat, "cat", "house")
	answer(t, &there, "rank", "--model", server.URL, cat, "cat", "house")
	if !reflect.DeepEqual(here["ranking"], there["ranking"]) {
		t.Errorf("the ranking is %v by the folder, %v by the web", here["ranking"], there["ranking"])
	}
	if _, complaint, status := command(t, "inspect", server.URL+"/nowhere"); status != 1 || !strings.Contains(complaint, "config.json") {
		t.Errorf("status %d, said %q", status, complaint)
	}
}

// Every error is one line on stderr and nothing on stdout; the exit status is 1 for a
// fault in the files, 2 for one in the command line.
func TestFailures(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.png")
	if err := os.WriteFile(page, []byte("<!doctype html>"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.png")
	if err := os.WriteFile(broken, []byte("\x89PNG\r\n\x1a\nnothing"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"rank --model " + emojiClip + " " + broken + " cat", 1, "broken.png"},
		{"rank --model " + emojiClip + " nowhere.png cat", 1, "nowhere.png"},
		{"rank --model " + emojiClip + " " + page + " cat", 1, "neither a PNG nor a JPEG"},
		{"rank --model nowhere " + cat + " cat", 1, "nowhere"},
		{"rank --model " + tinyViT + " " + cat + " cat", 1, "text"},
		{"classify --model " + emojiClip + " " + cat, 1, "classif"},
		{"attention --model " + emojiClip + " --layer 4 " + cat, 1, "0 to 3"},
		{"inspect --model nowhere", 1, "nowhere"},
		{"serve --dir nowhere", 1, "./build.sh"},
		{"rank " + cat, 2, "labels"},
		{"rank --temperature 2 " + cat + " cat", 2, "--temperature"},
		{"rank --size 224 " + cat + " cat", 2, "224x224"},
		{"classify --top-k 0 " + cat, 2, "--top-k"},
		{"attention --method best " + cat, 2, "rollout"},
		{"attention --full -o x.png " + cat, 2, "--full"},
		{"embed", 2, "--text"},
		{"embed --text a " + cat, 2, "--text"},
		{"serve --port 70000", 2, "65535"},
		{"guess " + cat, 2, "guess"},
	} {
		out, complaint, status := command(t, strings.Fields(c.args)...)
		if status != c.status || out != "" || !strings.Contains(complaint, c.says) || strings.Count(complaint, "\n") != 1 || !strings.HasPrefix(complaint, "vitrine: ") {
			t.Errorf("%s: status %d, want %d; printed %q and said %q", c.args, status, c.status, out, complaint)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"rank", "--help"}} {
		out, complaint, status := command(t, args...)
		if status != 0 || complaint != "" || !strings.Contains(out, "Usage: vitrine") {
			t.Errorf("%v: status %d, %q, %q", args, status, out, complaint)
		}
	}
}
