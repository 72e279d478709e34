package pixels

import (
	"math"

	"vitrine/engine/fault"
)

// maxInput bounds the pixels of an input, 4096 × 4096: with patches of 16 pixels,
// these are 65,536 tokens.
const maxInput = 1 << 24

// maxResized bounds the sides of a resized picture before the crop. Only the crop is
// computed, so it may be far larger than memory.
const maxResized = 1 << 30

// maxSequence bounds the patches of a NaFlex input; upstream's checkpoints are
// trained on up to 1024.
const maxSequence = 1 << 14

// layout describes the sizes on the way from a picture to an input: the picture is
// resized to width × height, and the window of outWidth × outHeight at (left, top) is
// cropped. The window may extend beyond the resized picture; it is black there.
type layout struct {
	width, height         int
	left, top             int
	outWidth, outHeight   int
	gridRows, gridColumns int // NaFlex
}

// axes returns the resize along each side; it computes the window within the resized
// picture.
func (l layout) axes(img Image) (x, y axis) {
	return axis{img.Width, l.width, max(l.left, 0), min(l.left+l.outWidth, l.width)},
		axis{img.Height, l.height, max(l.top, 0), min(l.top+l.outHeight, l.height)}
}

// plan returns the layout of a picture of this size in pixels.
func (c Config) plan(width, height int, o Options) (layout, error) {
	if err := c.checkOptions(o); err != nil {
		return layout{}, err
	}
	l := layout{width: width, height: height}
	if c.NaFlex {
		return c.planNaFlex(l, o)
	}
	resized := c.Resize || o.Height > 0
	toHeight, toWidth, edge := c.Height, c.Width, c.ShortestEdge
	cropHeight, cropWidth := c.CropHeight, c.CropWidth
	if o.Height > 0 {
		toHeight, toWidth = o.Height, o.Width
		if cropHeight > 0 || edge > 0 {
			cropHeight, cropWidth = o.Height, o.Width
		}
		if edge > 0 {
			edge = max(o.Height, o.Width)
		}
	}
	switch {
	case resized && edge > 0:
		l.width, l.height = ShortestEdge(width, height, edge)
		if most := c.LongestEdge; most > 0 && o.Height == 0 {
			l.width, l.height = boundedEdges(width, height, edge, most)
		}
	case resized && c.Fit != Squash:
		l.width, l.height = fit(width, height, toWidth, toHeight, c.Fit == Contain)
	case resized:
		l.width, l.height = toWidth, toHeight
	}
	l.outWidth, l.outHeight = l.width, l.height
	if cropHeight > 0 {
		l.outWidth, l.outHeight = cropWidth, cropHeight
		l.left, l.top = c.margin(l.width-cropWidth), c.margin(l.height-cropHeight)
	}
	if l.width > maxResized || l.height > maxResized {
		return layout{}, fault.New(fault.Picture, "picture", "has %d×%d pixels, which become %d×%d with a shortest edge of %d; a side may have at most %d: crop it first",
			width, height, l.width, l.height, edge, maxResized)
	}
	if l.outWidth > maxInput/l.outHeight {
		return layout{}, fault.New(fault.Picture, "picture", "has %d×%d pixels, which become an input of %d×%d, more than %d pixels: crop or scale it down first",
			width, height, l.outWidth, l.outHeight, maxInput)
	}
	return l, nil
}

// checkOptions refuses options that are out of range or that this Config does not
// support.
func (c Config) checkOptions(o Options) error {
	switch {
	case o.Height == 0 && o.Width == 0:
	case o.Height < 1 || o.Width < 1:
		return fault.New(fault.Option, "size", "found [%d, %d], want [height, width], both positive", o.Height, o.Width)
	case o.Width > maxInput/o.Height:
		return fault.New(fault.Option, "size", "found [%d, %d], more than %d pixels; pass a smaller size", o.Height, o.Width, maxInput)
	case c.NaFlex && (o.Height%c.Patch != 0 || o.Width%c.Patch != 0 || o.Width/c.Patch > maxSequence/(o.Height/c.Patch)):
		return fault.New(fault.Option, "size", "found [%d, %d], want multiples of the patch, %d, that make at most %d patches", o.Height, o.Width, c.Patch, maxSequence)
	case c.NaFlex && o.MaxPatches != 0:
		return fault.New(fault.Option, "maxPatches", "found %d with a size, which decides the number of patches; leave one of the two out", o.MaxPatches)
	}
	switch {
	case o.MaxPatches == 0:
	case !c.NaFlex:
		return fault.New(fault.Option, "maxPatches", "found %d, but this model is not NaFlex: its pictures have a fixed size; set size instead", o.MaxPatches)
	case o.MaxPatches < 1 || o.MaxPatches > maxSequence:
		return fault.New(fault.Option, "maxPatches", "found %d, want 1 to %d", o.MaxPatches, maxSequence)
	}
	return nil
}

// planNaFlex is plan for NaFlex: the picture keeps its aspect ratio, unless the
// options have a size.
func (c Config) planNaFlex(l layout, o Options) (layout, error) {
	most := c.MaxPatches
	if o.MaxPatches > 0 {
		most = o.MaxPatches
	}
	if o.Height > 0 {
		l.width, l.height = o.Width, o.Height
	} else if c.Resize {
		l.width, l.height = NaFlexSize(l.width, l.height, c.Patch, most)
	} else if l.width%c.Patch != 0 || l.height%c.Patch != 0 || l.width/c.Patch > most/(l.height/c.Patch) {
		return layout{}, fault.New(fault.Picture, "picture", "has %d×%d pixels; preprocessor_config.json has do_resize false, so the sides must be multiples of %d and make at most %d patches: resize it first",
			l.width, l.height, c.Patch, most)
	}
	l.outWidth, l.outHeight = l.width, l.height
	l.gridRows, l.gridColumns = l.height/c.Patch, l.width/c.Patch
	return l, nil
}

// ShortestEdge scales a size in pixels so that the shorter side becomes edge; the
// longer side is rounded down (get_resize_output_image_size in upstream's
// image_transforms.py).
func ShortestEdge(width, height, edge int) (newWidth, newHeight int) {
	if width <= height {
		return edge, edge * height / width
	}
	return edge * width / height, edge
}

// boundedEdges is ShortestEdge with a bound on the longer side
// (get_size_with_aspect_ratio in upstream's image_transforms.py).
func boundedEdges(width, height, edge, most int) (newWidth, newHeight int) {
	short, long := float64(min(width, height)), float64(max(width, height))
	size := float64(edge)
	if long/short*size > float64(most) {
		size = float64(most) * short / long
		edge = int(math.RoundToEven(size))
	}
	edge = max(edge, 1)
	longer := max(int(size*long/short), 1)
	switch {
	case min(width, height) == edge:
		return width, height
	case width < height:
		return edge, longer
	}
	return longer, edge
}

// NaFlexSize returns the largest size in pixels that keeps the aspect ratio, has
// sides rounded up to whole patches, and has at most most patches
// (get_image_size_for_max_num_patches in upstream's image_processing_siglip2.py).
// Small pictures are enlarged, at most 100 times.
func NaFlexSize(width, height, patch, most int) (newWidth, newHeight int) {
	side := func(scale float64, size int) int {
		return max(int(math.Ceil(float64(size)*scale/float64(patch))), 1) * patch
	}
	low, high := 1e-5/10, 100.0
	for high-low >= 1e-5 {
		scale := (low + high) / 2
		if (side(scale, width)/patch)*(side(scale, height)/patch) <= most {
			low = scale
		} else {
			high = scale
		}
	}
	return side(low, width), side(low, height)
}

// fit scales a size in pixels so that it covers another or is contained in it; sides are
// rounded to the nearest, halves to even (ResizeKeepRatio in open_clip's transform.py and
// timm's data/transforms.py).
func fit(width, height, toWidth, toHeight int, contain bool) (newWidth, newHeight int) {
	across, down := float64(width)/float64(toWidth), float64(height)/float64(toHeight)
	ratio := min(across, down)
	if contain {
		ratio = max(across, down)
	}
	return max(int(math.RoundToEven(float64(width)/ratio)), 1), max(int(math.RoundToEven(float64(height)/ratio)), 1)
}

// margin is what a centre crop takes from the left or the top, of n pixels in all: a
// negative margin is padding. torchvision rounds a half pixel to the nearest even number,
// and pads less on the left (functional.py, center_crop).
func (c Config) margin(n int) int {
	switch {
	case c.Float: // torchvision rounds the margin of a padded picture down
		return n / 2
	case !c.CropRound:
		return floorHalf(n)
	case n < 0:
		return -(-n / 2)
	}
	return int(math.RoundToEven(float64(n) / 2))
}

// floorHalf returns ⌊n/2⌋, for negative n too.
func floorHalf(n int) int { return n >> 1 }
