package calls

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/pixels"
	"vitrine/engine/weights"
)

// notCalls are the methods of Model that are no calls of JavaScript: its connection has
// info and close, and the others serve the command line and tests.
var notCalls = []string{"Info", "Close", "Logits", "ResizeAndCrop", "WatchImages", "WatchTexts"}

// TestEveryMethodHasARow: a method of Model without a row could not be called from a page.
func TestEveryMethodHasARow(t *testing.T) {
	model := reflect.TypeFor[*engine.Model]()
	for i := range model.NumMethod() {
		name := model.Method(i).Name
		if !slices.Contains(notCalls, name) && Find(strings.ToLower(name[:1])+name[1:]) == nil {
			t.Errorf("Model.%s has no row in All", name)
		}
	}
}

// TestEveryCallRuns makes every call on a model that has what it needs: the row's options
// and result have the types of the call, and its progress is told.
func TestEveryCallRuns(t *testing.T) {
	picture := pixels.Image{Width: 30, Height: 20, RGBA: make([]byte, 30*20*4)}
	for i := range picture.RGBA {
		picture.RGBA[i] = byte(i * 37)
	}
	image := engine.FromImage(picture)
	made := map[string]bool{}
	for _, dir := range []string{"../site/models/emoji-clip", "../testdata/golden/models/vit_image_classification", "../testdata/golden/models/llava_clip_multilayer_nobias"} {
		m, err := engine.Load(context.Background(), weights.Dir(dir), engine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		for _, row := range All {
			told := 0
			in := Arguments{
				Image: image, Count: 2, NextImage: func(int) (engine.Image, error) { return image, nil },
				Texts: []string{"a cat", "a dog"}, Text: "a cat", Logits: []float64{1, 0, 0, 1},
				Progress: func(done, total int) { told = done },
				Options:  reflect.New(reflect.TypeOf(row.Options)).Interface(),
			}
			if m.Info().Classes > 0 {
				in.Texts = []string{"0", "1"}
			}
			result, err := row.Run(context.Background(), m, in)
			if fault.CodeOf(err) == fault.Task {
				continue
			}
			if err != nil {
				t.Errorf("%s on %s: %v", row.Name, dir, err)
				continue
			}
			made[row.Name] = true
			if reflect.TypeOf(result) != reflect.TypeOf(row.Result) {
				t.Errorf("%s gives a %T, its row says %T", row.Name, result, row.Result)
			}
			for _, o := range Options(row.Options) {
				if o.Name == "onProgress" && told != 2 {
					t.Errorf("%s told its progress up to %d of 2", row.Name, told)
				}
			}
		}
	}
	for _, row := range All {
		if !made[row.Name] {
			t.Errorf("no model of this test can make the call %s", row.Name)
		}
	}
}
