package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

// packedTolerance is how far a packed model may be from upstream over an output's
// scale: int8 rounds a weight to 1/254 of its row's largest.
const packedTolerance = 0.02

// TestGoldenPacked loads the packed files of the tree, which are as people have them,
// and holds them against what upstream computed with the weights that were packed.
func TestGoldenPacked(t *testing.T) {
	folders := glob("../testdata/golden/packed/*")
	if len(folders) == 0 {
		t.Fatal("testdata/golden/packed holds nothing")
	}
	for _, packed := range folders {
		t.Run(filepath.Base(packed), func(t *testing.T) {
			dir := goldenModels + filepath.Base(packed)
			var c modelCase
			data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
			if err == nil {
				err = json.Unmarshal(data, &c)
			}
			if err != nil {
				t.Fatal(err)
			}
			m := openModel(t, packed)
			if info := m.Info(); info.DType != "q8" {
				t.Errorf("info says %s, want q8", info.DType)
			}
			r := goldenRun{t: t, c: c, name: "main", dir: dir, model: m, expected: readTensors(t, filepath.Join(dir, "expected.safetensors"))}
			worst, where, _, err := r.compare()
			if err != nil || !(worst <= packedTolerance) {
				t.Errorf("%s is off by %.2g of its scale, %v", where, worst, err)
			}
			if worst < 1e-4 {
				t.Errorf("off by no more than %.2g: these are not int8 weights", worst)
			}
		})
	}
}

// TestLegacyEndToken: a CLIP whose config.json says eos_token_id 2, as those of OpenAI
// do, pools at the highest id, not at an id 2; and files of that time have position_ids
// as int64, which nothing needs. Upstream's hidden state at that position is known.
func TestLegacyEndToken(t *testing.T) {
	const dir = goldenModels + "clip_new_eos"
	folder := readFolder(t, dir).replaced("config.json", `"eos_token_id": 61`, `"eos_token_id": 2`)
	m, err := engine.Load(context.Background(), withPositionIDs(t, folder), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	expected := readTensors(t, filepath.Join(dir, "expected.safetensors"))
	ids, mask := expected["main.in.input_ids"], expected["main.in.attention_mask"]
	states := expected["main.out.text_model_output.last_hidden_state"]
	rows, width := states.shape[0], states.shape[2]
	for i := range rows {
		var row []int32
		highest := 0
		for j, id := range ids.row(i) {
			if mask.row(i)[j] == 0 {
				break
			}
			if row = append(row, int32(id)); row[j] > row[highest] {
				highest = j
			}
		}
		if row[highest] == row[len(row)-1] && i == 0 {
			t.Fatal("the last id is the highest one, so that this text tells nothing")
		}
		tap := &goldenTap{map[string][][]float32{}}
		if err := m.WatchTexts(context.Background(), [][]int32{row}, tap); err != nil {
			t.Fatal(err)
		}
		want := states.row(i)[highest*width : (highest+1)*width]
		if d := farthest(tap.values["pooled"][0], want); !(d <= modelTolerance*scaleOf(want)) {
			t.Errorf("text %d is off by %.2g from the hidden state at its highest id, position %d", i, d, highest)
		}
	}
}

// tensorsOf gives the tensors of a folder's model.safetensors, to be edited and written
// by rewritten.
func tensorsOf(t *testing.T, folder memoryFolder) []weights.Named {
	t.Helper()
	data := folder["model.safetensors"]
	header, err := weights.ReadHeader("model.safetensors", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var all []weights.Named
	data = bytes.Clone(data[8+int(binary.LittleEndian.Uint64(data)):])
	for _, x := range header.Tensors {
		all = append(all, weights.Named{Name: x.Name, DType: x.DType, Shape: x.Shape, Data: data[x.Begin:x.End]})
	}
	return all
}

func rewritten(t *testing.T, folder memoryFolder, tensors []weights.Named) memoryFolder {
	t.Helper()
	var file bytes.Buffer
	if err := weights.Write(&file, tensors, nil); err != nil {
		t.Fatal(err)
	}
	return folder.with("model.safetensors", file.Bytes())
}

// withPositionIDs adds the int64 tensors to a model.safetensors.
func withPositionIDs(t *testing.T, folder memoryFolder) memoryFolder {
	t.Helper()
	all := tensorsOf(t, folder)
	for _, tower := range []string{"text_model", "vision_model"} {
		ids := make([]byte, 8*20)
		for i := range 20 {
			binary.LittleEndian.PutUint64(ids[8*i:], uint64(i))
		}
		all = append(all, weights.Named{Name: tower + ".embeddings.position_ids", DType: weights.I64, Shape: []int{1, 20}, Data: ids})
	}
	return rewritten(t, folder, all)
}

// TestTowerWithoutHead: a SigLIP tower that says vision_use_head false, and has no head in
// its file, loads, gives upstream's features, and pools into nothing.
func TestTowerWithoutHead(t *testing.T) {
	const dir = goldenModels + "siglip"
	folder := readFolder(t, dir)
	var config struct {
		Vision map[string]any `json:"vision_config"`
	}
	if err := json.Unmarshal(folder["config.json"], &config); err != nil {
		t.Fatal(err)
	}
	config.Vision["vision_use_head"] = false
	tower, err := json.Marshal(config.Vision)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.DeleteFunc(tensorsOf(t, folder), func(x weights.Named) bool { return strings.HasPrefix(x.Name, "vision_model.head.") })
	m, err := engine.Load(context.Background(), rewritten(t, folder.with("config.json", tower), all), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	img := openCase(t, "siglip")
	got, err := m.Features(context.Background(), img.image, engine.FeaturesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "features", got.Data, float64s(img.expected["main.out.vision_model_output.last_hidden_state"].row(0)))
	if _, err := m.EmbedImage(context.Background(), img.image, engine.EmbedImageOptions{}); fault.CodeOf(err) != fault.Task || slices.Contains(m.Info().Tasks, "embedImage") {
		t.Errorf("embedImage gave %v; the tasks are %v", err, m.Info().Tasks)
	}
	if _, err := m.Attention(context.Background(), img.image, engine.AttentionOptions{Method: "pool"}); fault.CodeOf(err) != fault.Option {
		t.Errorf("the attention of a head gave %v", err)
	}
}

// TestGoldenRank ranks the pictures and strings of the end-to-end cases by the public
// call: labels in their order, logits, and scores as upstream has them.
func TestGoldenRank(t *testing.T) {
	for _, name := range []string{"clip_end_to_end", "siglip_end_to_end"} {
		t.Run(name, func(t *testing.T) {
			dir := goldenModels + name
			var c modelCase
			data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
			if err == nil {
				err = json.Unmarshal(data, &c)
			}
			if err != nil {
				t.Fatal(err)
			}
			m, err := engine.Load(context.Background(), c.folder(t, dir), engine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close() })
			run := c.Runs["main"]
			expected := readTensors(t, filepath.Join(dir, "expected.safetensors"))
			logits, probs := expected["main.out.logits_per_image"], expected["main.out.probs"]
			for i, index := range run.Images {
				img := openPicture(t, filepath.Join(dir, "images", fmt.Sprintf("img_%d.png", index)))
				got, err := m.Rank(context.Background(), engine.FromImage(img), run.Texts, engine.RankOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if want := map[string]string{"clip": "softmax", "siglip": "sigmoid"}[strings.TrimSuffix(name, "_end_to_end")]; got.Method != want {
					t.Errorf("the method is %s, want %s", got.Method, want)
				}
				if len(got.Ranking) != len(run.Texts) {
					t.Fatalf("%d labels, want %d", len(got.Ranking), len(run.Texts))
				}
				for k, r := range got.Ranking {
					if r.Label != run.Texts[r.Index] || k > 0 && r.Score > got.Ranking[k-1].Score {
						t.Errorf("image %d: position %d is %+v", i, k, r)
					}
					wantLogit, wantScore := float64(logits.row(i)[r.Index]), float64(probs.row(i)[r.Index])
					if math.Abs(r.Logit-wantLogit) > modelTolerance*scaleOf(logits.values) || math.Abs(r.Score-wantScore) > modelTolerance {
						t.Errorf("image %d, %q: logit %g and score %g, want %g and %g", i, r.Label, r.Logit, r.Score, wantLogit, wantScore)
					}
				}
			}
		})
	}
}
