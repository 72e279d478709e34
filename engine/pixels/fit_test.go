package pixels

import "testing"

// TestCentreCrop: margins as torchvision's center_crop has them: Python's round of half the
// difference, and padding of (crop − size) // 2 on the left.
func TestCentreCrop(t *testing.T) {
	for n, want := range map[int][2]int{0: {0, 0}, 1: {0, 0}, 2: {1, 1}, 3: {2, 1}, 4: {2, 2}, 5: {2, 2}, 7: {4, 3}, -1: {0, -1}, -2: {-1, -1}, -3: {-1, -2}} {
		if round, floor := (Config{CropRound: true}).margin(n), (Config{}).margin(n); round != want[0] || floor != want[1] {
			t.Errorf("%d pixels: margins %d and %d, want %v", n, round, floor, want)
		}
	}
}

// TestFit: sizes as ResizeKeepRatio computes them.
func TestFit(t *testing.T) {
	for _, c := range []struct {
		width, height, toWidth, toHeight int
		contain                          bool
		wantWidth, wantHeight            int
	}{
		{100, 50, 40, 24, false, 48, 24}, // ratios 2.5 and 2.083: 48 × 24
		{100, 50, 40, 24, true, 40, 20},
		{50, 100, 40, 24, false, 40, 80},
		{50, 100, 40, 24, true, 12, 24},
		{7, 5, 2, 2, false, 3, 2}, // 2.8
		{5, 2, 1, 1, false, 2, 1}, // 2.5 is rounded to even
		{1000, 1, 8, 8, true, 8, 1},
	} {
		if w, h := fit(c.width, c.height, c.toWidth, c.toHeight, c.contain); w != c.wantWidth || h != c.wantHeight {
			t.Errorf("%d×%d to %d×%d (contain %v) is %d×%d, want %d×%d", c.width, c.height, c.toWidth, c.toHeight, c.contain, w, h, c.wantWidth, c.wantHeight)
		}
	}
}

// TestFill: what a crop adds around a picture has the colour of Fill.
func TestFill(t *testing.T) {
	c := Config{Resize: true, Height: 4, Width: 4, Fit: Contain, CropHeight: 4, CropWidth: 4, CropRound: true, Fill: [3]byte{1, 2, 3}}
	img := Image{Width: 8, Height: 2, RGBA: make([]byte, 8*2*4)}
	for i := range img.RGBA {
		img.RGBA[i] = 200
	}
	rgb, height, width, err := c.ResizeAndCrop(img, Options{})
	if err != nil || height != 4 || width != 4 {
		t.Fatalf("%d×%d, %v", width, height, err)
	}
	// 8×2 becomes 4×1, with one row of padding above and two below.
	for row, want := range [][3]byte{{1, 2, 3}, {200, 200, 200}, {1, 2, 3}, {1, 2, 3}} {
		if got := [3]byte(rgb[row*12:]); got != want {
			t.Errorf("row %d begins with %v, want %v", row, got, want)
		}
	}
}
