package pixels

import (
	"math"

	"vitrine/engine/fault"
)

// maxInput bounds the pixels of an input, 4096 × 4096: a tower of patch 16
// would see 65,536 tokens.
const maxInput = 1 << 24

// maxResized bounds a side of the resized picture of which a crop is taken.
// Only the crop is ever computed, so this is far beyond what memory holds.
const maxResized = 1 << 30

// maxSequence bounds the patches of a NaFlex input; upstream's checkpoints are
// trained on up to 1024.
const maxSequence = 1 << 14

// layout is how a picture becomes an input: it is resized to width × height,
// of which the window at (left, top) is taken. The window may reach beyond the
// resized picture; what lies outside is black.
type layout struct {
	width, height         int
	left, top             int
	outWidth, outHeight   int
	gridRows, gridColumns int // NaFlex
}

// axes gives the parts of both sides that lie within the resized picture.
func (l layout) axes(img Image) (x, y axis) {
	return axis{img.Width, l.width, max(l.left, 0), min(l.left+l.outWidth, l.width)},
		axis{img.Height, l.height, max(l.top, 0), min(l.top+l.outHeight, l.height)}
}

// plan finds the layout of a picture of that size under the options.
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
	case resized:
		l.width, l.height = toWidth, toHeight
	}
	l.outWidth, l.outHeight = l.width, l.height
	if cropHeight > 0 {
		l.outWidth, l.outHeight = cropWidth, cropHeight
		l.left, l.top = floorHalf(l.width-cropWidth), floorHalf(l.height-cropHeight)
	}
	if l.width > maxResized || l.height > maxResized {
		return layout{}, fault.New(fault.Picture, "picture", "%d×%d pixels become %d×%d with the shortest edge at %d, and a side may have %d at most; crop it first",
			width, height, l.width, l.height, edge, maxResized)
	}
	if l.outWidth > maxInput/l.outHeight {
		return layout{}, fault.New(fault.Picture, "picture", "%d×%d pixels become an input of %d×%d, more than %d pixels; crop or scale it down first",
			width, height, l.outWidth, l.outHeight, maxInput)
	}
	return l, nil
}

// checkOptions refuses options that are out of range or that this Config has
// no use for.
func (c Config) checkOptions(o Options) error {
	switch {
	case o.Height == 0 && o.Width == 0:
	case o.Height < 1 || o.Width < 1:
		return fault.New(fault.Option, "size", "found [%d, %d], want [height, width], both positive", o.Height, o.Width)
	case o.Width > maxInput/o.Height:
		return fault.New(fault.Option, "size", "[%d, %d] is more than %d pixels", o.Height, o.Width, maxInput)
	case c.NaFlex && (o.Height%c.Patch != 0 || o.Width%c.Patch != 0 || o.Width/c.Patch > maxSequence/(o.Height/c.Patch)):
		return fault.New(fault.Option, "size", "found [%d, %d], want multiples of the patch, %d, that make no more than %d patches", o.Height, o.Width, c.Patch, maxSequence)
	case c.NaFlex && o.MaxPatches != 0:
		return fault.New(fault.Option, "maxPatches", "size says how many patches there are; leave one of the two out")
	}
	switch {
	case o.MaxPatches == 0:
	case !c.NaFlex:
		return fault.New(fault.Option, "maxPatches", "this model takes pictures of a fixed size, not NaFlex; set size instead")
	case o.MaxPatches < 1 || o.MaxPatches > maxSequence:
		return fault.New(fault.Option, "maxPatches", "found %d, want 1 to %d", o.MaxPatches, maxSequence)
	}
	return nil
}

// planNaFlex finds the grid of a picture that keeps its aspect ratio, or is
// squashed to the size that the options ask for.
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
		return layout{}, fault.New(fault.Picture, "picture", "%d×%d pixels; preprocessor_config.json has do_resize false, so the sides must be multiples of %d and make no more than %d patches",
			l.width, l.height, c.Patch, most)
	}
	l.outWidth, l.outHeight = l.width, l.height
	l.gridRows, l.gridColumns = l.height/c.Patch, l.width/c.Patch
	return l, nil
}

// ShortestEdge scales a size so that its shorter side becomes edge; the longer
// is cut to a whole number (get_resize_output_image_size in upstream's
// image_transforms.py).
func ShortestEdge(width, height, edge int) (newWidth, newHeight int) {
	if width <= height {
		return edge, edge * height / width
	}
	return edge * width / height, edge
}

// NaFlexSize finds the largest size that keeps the aspect ratio, with sides
// rounded up to whole patches and no more than most of them
// (get_image_size_for_max_num_patches in upstream's
// image_processing_siglip2.py). Small pictures grow, up to a hundredfold.
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

// floorHalf is ⌊n/2⌋, for negative n too.
func floorHalf(n int) int { return n >> 1 }
