package pixels

import "vitrine/engine/fault"

// Options of one call. The zero value means the size and bound of the Config.
type Options struct {
	// Height and Width are another size of the input in pixels, both or none. A
	// Config with a fixed size resizes to them. A Config with a shortest edge resizes
	// the shortest edge to the longer of the two, so that the picture covers Height ×
	// Width, and crops to these. A NaFlex Config resizes to them, without keeping the
	// aspect ratio; they must be multiples of the patch.
	Height, Width int
	// MaxPatches is another bound on the patches of a NaFlex input; not with Height
	// and Width.
	MaxPatches int
}

// Input is the input of a vision tower for one picture.
type Input struct {
	// Values are [3, Height, Width], or for NaFlex [Rows·Columns, patch·patch·3], each
	// patch in the order row, column, channel, without padding patches.
	Values        []float32
	Height, Width int // in pixels
	Rows, Columns int // the grid of a NaFlex input, else 0
}

// Shape returns the Input, without Values, that Process makes of a picture of this
// size in pixels. Errors are those of Process.
func (c Config) Shape(width, height int, o Options) (Input, error) {
	if err := CheckSize(width, height); err != nil {
		return Input{}, err
	}
	l, err := c.plan(width, height, o)
	return Input{Height: l.outHeight, Width: l.outWidth, Rows: l.gridRows, Columns: l.gridColumns}, err
}

// Process turns a picture into an input. The result equals that of upstream's slow
// (Pillow) processors to the last bit; for DINOv3 it equals that of its torchvision
// processor up to float32 rounding. Errors have fault.Picture, or fault.Option for
// options that are out of range or that the Config does not support.
func (c Config) Process(img Image, o Options) (Input, error) {
	if c.Float {
		return c.processFloat(img, o)
	}
	rgb, l, err := c.resizeAndCrop(img, o)
	if err != nil {
		return Input{}, err
	}
	in := Input{Height: l.outHeight, Width: l.outWidth, Rows: l.gridRows, Columns: l.gridColumns}
	table := c.table()
	in.Values = make([]float32, len(rgb))
	if c.NaFlex {
		eachPatch(rgb, l.outWidth, l.gridRows, l.gridColumns, c.Patch, func(at int, run []byte) {
			for i, b := range run {
				in.Values[at+i] = table[i%3][b]
			}
		})
		return in, nil
	}
	area := l.outHeight * l.outWidth
	for channel, values := range table {
		plane := in.Values[channel*area:][:area]
		for i := range plane {
			plane[i] = values[rgb[3*i+channel]]
		}
	}
	return in, nil
}

// ResizeAndCrop does the first steps of Process, which work on bytes: it returns the
// picture after resize and crop, uint8 [height, width, 3], before it is rescaled and
// normalised. Errors are those of Process; a DINOv3 processor resizes floats, so it
// has no such picture: its error has fault.Unsupported.
func (c Config) ResizeAndCrop(img Image, o Options) (rgb []byte, height, width int, err error) {
	if c.Float {
		return nil, 0, 0, fault.New(fault.Unsupported, preprocessorFile+": image_processor_type", "%s resizes floats, so there is no resized picture of bytes; supported: processors that resize bytes", c.Type)
	}
	rgb, l, err := c.resizeAndCrop(img, o)
	return rgb, l.outHeight, l.outWidth, err
}

// resizeAndCrop is ResizeAndCrop for Configs that are not Float; it returns the
// layout.
func (c Config) resizeAndCrop(img Image, o Options) ([]byte, layout, error) {
	if err := img.Check(); err != nil {
		return nil, layout{}, err
	}
	l, err := c.plan(img.Width, img.Height, o)
	if err != nil {
		return nil, layout{}, err
	}
	x, y := l.axes(img)
	window := resample(raster{img.RGBA, 4, img.Width, img.Height}, x, y, c.Filter)
	if x.len() == l.outWidth && y.len() == l.outHeight {
		return window, l, nil
	}
	padded := make([]byte, 3*l.outWidth*l.outHeight)
	if c.Fill != [3]byte{} {
		for i := range padded {
			padded[i] = c.Fill[i%3]
		}
	}
	for row := range y.len() {
		from := window[3*row*x.len():][:3*x.len()]
		copy(padded[3*((y.from-l.top+row)*l.outWidth+x.from-l.left):], from)
	}
	return padded, l, nil
}

// processFloat is Process for DINOv3, which resizes in float32, without rounding to
// bytes. Upstream rescales before the resize; because a resize is linear, rescaling
// after it gives the same values for less work.
func (c Config) processFloat(img Image, o Options) (Input, error) {
	if err := img.Check(); err != nil {
		return Input{}, err
	}
	l, err := c.plan(img.Width, img.Height, o)
	if err != nil {
		return Input{}, err
	}
	x, y := l.axes(img)
	rgb := resampleFloat(raster{img.RGBA, 4, img.Width, img.Height}, x, y, c.Filter)
	in := Input{Values: make([]float32, 3*l.outHeight*l.outWidth), Height: l.outHeight, Width: l.outWidth}
	area := l.outHeight * l.outWidth
	for channel := range 3 {
		plane := in.Values[channel*area:][:area]
		for i := range plane { // black where the crop is larger than the picture
			plane[i] = c.normalize(channel, 0)
		}
		for i := range x.len() * y.len() {
			row, column := i/x.len()+y.from-l.top, i%x.len()+x.from-l.left
			plane[row*l.outWidth+column] = c.normalize(channel, c.rescale(float64(rgb[3*i+channel])))
		}
	}
	return in, nil
}

// rescale multiplies by Factor, if the Config says so, and rounds to float32.
func (c Config) rescale(v float64) float32 {
	if c.Rescale {
		v *= c.Factor
	}
	return float32(v)
}

// normalize applies Mean and Std of the channel, if the Config says so.
func (c Config) normalize(channel int, v float32) float32 {
	if c.Normalize {
		v = (v - float32(c.Mean[channel])) / float32(c.Std[channel])
	}
	return v
}

// table returns the value of each byte in each channel. Upstream multiplies by the
// factor in float64, rounds to float32, and normalises in float32
// (image_transforms.py, rescale and normalize).
func (c Config) table() (t [3][256]float32) {
	for channel := range t {
		for b := range t[channel] {
			t[channel][b] = c.normalize(channel, c.rescale(float64(b)))
		}
	}
	return t
}
