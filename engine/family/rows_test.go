package family

import (
	"slices"
	"testing"
)

// TestRowsNameRows: every tower that a model's row names has a row of its own.
func TestRowsNameRows(t *testing.T) {
	vision := func(name string) bool {
		return slices.ContainsFunc(visionRows, func(f visionRow) bool { return f.modelType == name })
	}
	for _, row := range modelRows {
		for _, tower := range append([]string{row.vision}, row.towers...) {
			if tower != "" && !vision(tower) {
				t.Errorf("%s names the picture tower %q, which has no row", row.modelType, tower)
			}
		}
		if row.text != "" && !slices.ContainsFunc(textRows, func(f textRow) bool { return f.modelType == row.text }) {
			t.Errorf("%s names the text tower %q, which has no row", row.modelType, row.text)
		}
		if row.vision == "" && row.text == "" {
			t.Errorf("%s has no tower", row.modelType)
		}
		if row.towers != nil && !slices.Contains(row.towers, row.vision) {
			t.Errorf("%s: its towers lack its default, %q", row.modelType, row.vision)
		}
	}
}
