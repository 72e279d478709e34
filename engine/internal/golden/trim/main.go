// Command trim makes testdata/golden/models: it cuts the cases of a folder of
// golden cases down to what cases.go lists, and changes no value of them.
//
//	go run ./engine/internal/golden/trim ../shared/fixtures          writes the cases
//	go run ./engine/internal/golden/trim -check ../shared/fixtures   compares, and writes nothing
//
// What is dropped are runs, outputs, the last images and texts of a batch, and
// files that lie elsewhere in testdata/golden. Of the numbers in expected.json,
// max_abs and std are those of the values kept.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"

	"vitrine/engine/weights"
)

func main() {
	check := flag.Bool("check", false, "compare testdata/golden/models with what would be written")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: trim [-check] FOLDER, which has models/, more/models/ and tokenizers/")
		os.Exit(2)
	}
	if err := trim(flag.Arg(0), filepath.Join("testdata", "golden"), *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// trim writes every case of cuts into the folder to, or compares it.
func trim(from, to string, check bool) error {
	total := 0
	for _, c := range cuts {
		if c.from == "" {
			c.from = c.name
		}
		dir := filepath.Join(from, "models", c.from)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			dir = filepath.Join(from, "more", "models", c.from)
		}
		files, err := c.files(dir, filepath.Join(to, "tokenizers"))
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		size := 0
		for _, data := range files {
			size += len(data)
		}
		fmt.Printf("%9d  %s\n", size, c.name)
		total += size
		kept := filepath.Join(to, "models", c.name)
		if check {
			err = same(kept, files)
		} else {
			err = write(kept, files)
		}
		if err != nil {
			return err
		}
	}
	fmt.Printf("%9d  in all\n", total)
	return nil
}

// expectation is expected.json, as far as cutting changes it.
type expectation struct {
	rest map[string]any
	runs map[string]any
}

// files gives the cut case: the contents by name. tokenizers is the folder whose
// files the case need not repeat.
func (c cut) files(dir, tokenizers string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range []string{"config.json", "open_clip_config.json", "preprocessor_config.json", "processor_config.json", "tokenizer_config.json"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) || name == "tokenizer_config.json" && c.tower != "" {
			continue
		}
		if err != nil {
			return nil, err
		}
		files[name] = data
	}
	if c.tower != "" {
		config, err := towerConfig(files["config.json"], c.tower, c.class)
		if err != nil {
			return nil, err
		}
		files["config.json"] = config
	}
	weightsFile := "model.safetensors"
	if files["open_clip_config.json"] != nil {
		weightsFile = "open_clip_model.safetensors"
	}
	if err := c.addWeights(files, filepath.Join(dir, weightsFile)); err != nil {
		return nil, err
	}
	if err := c.checkTokenizer(dir, tokenizers); err != nil {
		return nil, err
	}
	e, err := readExpectation(filepath.Join(dir, "expected.json"))
	if err != nil {
		return nil, err
	}
	tensors, err := readTensors(filepath.Join(dir, "expected.safetensors"))
	if err != nil {
		return nil, err
	}
	kept, pictures, err := c.keep(e, tensors)
	if err != nil {
		return nil, err
	}
	var list []weights.Named
	for _, t := range tensors { // in the order of the file
		if k, ok := kept[t.Name]; ok {
			list = append(list, k)
		}
	}
	if files["expected.safetensors"], err = safetensors(list); err != nil {
		return nil, err
	}
	if files["expected.json"], err = json.MarshalIndent(e.rest, "", " "); err != nil {
		return nil, err
	}
	files["expected.json"] = append(files["expected.json"], '\n')
	for _, i := range pictures {
		name := fmt.Sprintf("images/img_%d.png", i)
		if files[name], err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// towerConfig makes the object at a key of config.json the whole.
func towerConfig(data []byte, key, class string) ([]byte, error) {
	var whole map[string]any
	if err := decode(data, &whole); err != nil {
		return nil, err
	}
	tower, ok := whole[key].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("config.json: %s is not an object", key)
	}
	tower["architectures"] = []string{class}
	if joint, ok := whole["projection_dim"]; ok {
		tower["projection_dim"] = joint
	}
	out, err := json.MarshalIndent(tower, "", " ")
	return append(out, '\n'), err
}

// addWeights adds model.safetensors, or its shards and their index.
func (c cut) addWeights(files map[string][]byte, file string) error {
	if c.weights == "" && c.shards == 0 {
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return addTorch(files, filepath.Dir(file))
		}
		files[filepath.Base(file)] = data
		return err
	}
	tensors, err := readTensors(file)
	if err != nil {
		return err
	}
	pattern, err := regexp.Compile(c.weights)
	if err != nil {
		return err
	}
	tensors = slices.DeleteFunc(tensors, func(t weights.Named) bool { return !pattern.MatchString(t.Name) })
	if c.shards == 0 {
		files["model.safetensors"], err = safetensors(tensors)
		return err
	}
	// Shard i takes every shards-th tensor: no shard can be read without the others,
	// and a layer lies in several.
	parts, index, total := make([][]weights.Named, c.shards), map[string]string{}, 0
	for i, t := range tensors {
		parts[i%c.shards] = append(parts[i%c.shards], t)
		index[t.Name] = shardName(i%c.shards, c.shards)
		total += len(t.Data)
	}
	for i, part := range parts {
		if files[shardName(i, c.shards)], err = safetensors(part); err != nil {
			return err
		}
	}
	listed, err := json.MarshalIndent(map[string]any{"metadata": map[string]int{"total_size": total}, "weight_map": index}, "", " ")
	files["model.safetensors.index.json"] = append(listed, '\n')
	return err
}

// addTorch adds the PyTorch files of a folder and their index as they are.
func addTorch(files map[string][]byte, dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.bin*"))
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s has no weights", dir)
	}
	for _, name := range names {
		data, readErr := os.ReadFile(name)
		files[filepath.Base(name)] = data
		err = errors.Join(err, readErr)
	}
	return err
}

func shardName(i, n int) string { return fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, n) }

// checkTokenizer makes sure that what stands in the case's own folder stands in
// its folder of tokenizers/ too.
func (c cut) checkTokenizer(dir, tokenizers string) error {
	for _, name := range []string{"spiece.model", "tokenizer.json", "tokenizer_plain.json", "vocab.json", "merges.txt"} {
		own, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) || c.tower != "" {
			continue
		}
		if err != nil {
			return err
		}
		other, err := os.ReadFile(filepath.Join(tokenizers, c.tokenizer, name))
		if c.tokenizer == "" || err != nil || !bytes.Equal(own, other) {
			return fmt.Errorf("%s is not that of tokenizers/%s: %w", name, c.tokenizer, err)
		}
	}
	return nil
}

// keep cuts the runs of e and gives the tensors of expected.safetensors that are
// kept, by name, and the pictures.
func (c cut) keep(e expectation, tensors []weights.Named) (map[string]weights.Named, []int, error) {
	find := func(name string) (weights.Named, error) {
		for _, t := range tensors {
			if t.Name == name {
				return t, nil
			}
		}
		return weights.Named{}, fmt.Errorf("expected.safetensors has no %s", name)
	}
	kept, rows, pictures := map[string]weights.Named{}, map[string]int{}, []int{}
	runs := map[string]any{}
	for _, r := range c.runs {
		about, ok := e.runs[r.name].(map[string]any)
		if !ok {
			return nil, nil, fmt.Errorf("there is no run %s", r.name)
		}
		runs[r.name] = about
		about["images"] = first(about["images"], r.images)
		if about["scores"] != nil {
			about["scores"] = first(about["scores"], r.images)
		}
		if about["texts"] != nil {
			about["texts"] = first(about["texts"], r.texts)
		}
		if c.tower != "" {
			delete(about, "texts")
		}
		for _, i := range about["images"].([]any) {
			n, err := i.(json.Number).Int64()
			if err != nil {
				return nil, nil, err
			}
			if !slices.Contains(pictures, int(n)) {
				pictures = append(pictures, int(n))
			}
		}
		inputs := about["inputs"].(map[string]any)
		for name, value := range inputs {
			n := r.rows(name)
			if n == 0 {
				delete(inputs, name)
				continue
			}
			in := value.(map[string]any)
			taken, err := in["first_rows"].(json.Number).Int64()
			if err != nil {
				return nil, nil, err
			}
			n = min(n, int(taken))
			in["first_rows"] = n
			in["shape"].([]any)[0] = n
			tensor := in["tensor"].(string)
			rows[tensor] = max(rows[tensor], n)
		}
		drop := regexp.MustCompile(r.drop)
		outputs := about["outputs"].(map[string]any)
		for name, value := range outputs {
			if r.drop != "" && drop.MatchString(name) {
				delete(outputs, name)
				continue
			}
			t, err := find(r.name + ".out." + name)
			if err != nil {
				return nil, nil, err
			}
			if t, err = r.cutOutput(name, t); err != nil {
				return nil, nil, err
			}
			kept[t.Name] = t
			out := value.(map[string]any)
			out["shape"], out["max_abs"], out["std"] = t.Shape, maxAbs(t), deviation(t)
		}
	}
	for name, n := range rows {
		t, err := find(name)
		if err != nil {
			return nil, nil, err
		}
		kept[name] = firstRows(t, n)
	}
	e.rest["runs"] = runs
	e.rest["case"] = c.name
	notes, _ := e.rest["notes"].([]any)
	notes = append(notes, "cut down from "+c.from+" by engine/internal/golden/trim: "+c.shows)
	if c.tokenizer != "" {
		notes = append(notes, "tokenizer: ../../tokenizers/"+c.tokenizer)
	}
	e.rest["notes"] = notes
	if c.class != "" {
		e.rest["class"] = c.class
	}
	return kept, pictures, nil
}

// ofTexts tells inputs and outputs whose first axis are texts.
var ofTexts = regexp.MustCompile(`^(text_|input_ids|attention_mask|logits_per_text)`)

func (r run) rows(name string) int {
	if ofTexts.MatchString(name) {
		return r.texts
	}
	return r.images
}

// cutOutput takes the first images and texts of an output.
func (r run) cutOutput(name string, t weights.Named) (weights.Named, error) {
	switch name {
	case "loss": // is about the whole batch
		if r.images != r.texts {
			return t, fmt.Errorf("%s: a loss is about as many images as texts", r.name)
		}
		return t, nil
	case "probs": // are a softmax over all texts
		if r.texts < t.Shape[1] {
			return t, fmt.Errorf("%s: probs are about all %d texts", r.name, t.Shape[1])
		}
		return firstRows(t, r.images), nil
	case "logits_per_image":
		return firstColumns(firstRows(t, r.images), r.texts), nil
	case "logits_per_text":
		return firstColumns(firstRows(t, r.texts), r.images), nil
	}
	return firstRows(t, r.rows(name)), nil
}

func firstRows(t weights.Named, n int) weights.Named {
	n = min(n, t.Shape[0])
	t.Data = t.Data[:len(t.Data)/t.Shape[0]*n]
	t.Shape = append([]int{n}, t.Shape[1:]...)
	return t
}

// firstColumns cuts a matrix.
func firstColumns(t weights.Named, n int) weights.Named {
	rows, width := t.Shape[0], t.Shape[1]*t.DType.Size()
	n = min(n, t.Shape[1])
	var data []byte
	for i := range rows {
		data = append(data, t.Data[i*width:][:n*t.DType.Size()]...)
	}
	t.Data, t.Shape = data, []int{rows, n}
	return t
}

func first(list any, n int) []any {
	all := list.([]any)
	return all[:min(n, len(all))]
}

func floats(t weights.Named) []float64 {
	values := make([]float64, len(t.Data)/4)
	for i := range values {
		values[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:])))
	}
	return values
}

func maxAbs(t weights.Named) (most float64) {
	for _, v := range floats(t) {
		most = max(most, math.Abs(v))
	}
	return most
}

// deviation is that of a sample, as torch.std has it; 0 of one value.
func deviation(t weights.Named) float64 {
	values := floats(t)
	if len(values) < 2 {
		return 0
	}
	mean, squares := 0., 0.
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares / float64(len(values)-1))
}

func readExpectation(file string) (expectation, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return expectation{}, err
	}
	e := expectation{}
	if err := decode(data, &e.rest); err != nil {
		return e, fmt.Errorf("%s: %w", file, err)
	}
	e.runs, _ = e.rest["runs"].(map[string]any)
	return e, nil
}

// decode keeps numbers as they are written.
func decode(data []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(to)
}

// readTensors gives the tensors of a safetensors file as they stand there, in the
// order of their bytes.
func readTensors(file string) ([]weights.Named, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	header, err := weights.ReadHeader(filepath.Base(file), bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	at := 8 + int(binary.LittleEndian.Uint64(data))
	var list []weights.Named
	for _, t := range header.Tensors {
		n := t.Elements() * t.DType.Size()
		list = append(list, weights.Named{Name: t.Name, DType: t.DType, Shape: t.Shape, Data: data[at : at+n]})
		at += n
	}
	if at != len(data) {
		return nil, fmt.Errorf("%s: the tensors take %d of %d bytes", file, at, len(data))
	}
	return list, nil
}

func safetensors(tensors []weights.Named) ([]byte, error) {
	var out bytes.Buffer
	err := weights.Write(&out, tensors, map[string]string{"format": "pt"})
	return out.Bytes(), err
}

// write makes dir hold the files and nothing else.
func write(dir string, files map[string][]byte) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// same compares dir with the files.
func same(dir string, files map[string][]byte) error {
	for name, want := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		got, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s is not what cases.go says; run this without -check", file)
		}
	}
	return filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err == nil && files[path.Clean(filepath.ToSlash(name))] == nil {
			err = fmt.Errorf("%s is no part of the case", file)
		}
		return err
	})
}
