package pixels

import "vitrine/engine/fault"

// Options of one call. The zero value asks for what the Config says.
type Options struct {
	// Height and Width ask for another size in pixels, both or none. A
	// picture that is squashed is squashed to it. One that is resized by its
	// shortest edge and cropped is resized so that the shortest edge is the
	// longer of the two, and cropped to Height × Width, which it then always
	// covers. Not for NaFlex.
	Height, Width int
	// MaxPatches asks for another bound on the patches of a NaFlex input.
	MaxPatches int
}

// Input is what a vision tower takes.
type Input struct {
	// Values are [3, Height, Width], channel by channel, or for NaFlex
	// [Rows·Columns, patch·patch·3], each patch in row, column, channel order;
	// only valid patches, no padding.
	Values        []float32
	Height, Width int // in pixels
	Rows, Columns int // the grid of a NaFlex input; 0 for one of fixed size
}

// Shape tells what Process would make of a picture of that size: an Input
// without its Values.
func (c Config) Shape(width, height int, o Options) (Input, error) {
	if err := CheckSize(width, height); err != nil {
		return Input{}, err
	}
	l, err := c.plan(width, height, o)
	return Input{Height: l.outHeight, Width: l.outWidth, Rows: l.gridRows, Columns: l.gridColumns}, err
}

// Process turns a picture into an input, to the last bit as upstream's slow
// (Pillow) processors do, for DINOv3 within float32 rounding of its torchvision
// one. Errors have fault.Picture, or fault.Option for options that are out of
// range or don't fit the Config.
func (c Config) Process(img Image, o Options) (Input, error) {
	if c.Float {
		return c.processFloat(img, o)
	}
	rgb, l, err := c.fit(img, o)
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

// Fit is the part of Process that works on bytes: the picture after resize and
// crop, uint8 [height, width, 3], before it is rescaled and normalised. It is
// what the model sees of the picture. A DINOv3 processor has no such stage: its
// error is fault.Unsupported.
func (c Config) Fit(img Image, o Options) (rgb []byte, height, width int, err error) {
	if c.Float {
		return nil, 0, 0, fault.New(fault.Unsupported, "preprocessor_config.json: image_processor_type", "%s resizes floats and has no picture of bytes on the way", c.Type)
	}
	rgb, l, err := c.fit(img, o)
	return rgb, l.outHeight, l.outWidth, err
}

func (c Config) fit(img Image, o Options) ([]byte, layout, error) {
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
	for row := range y.len() {
		from := window[3*row*x.len():][:3*x.len()]
		copy(padded[3*((y.from-l.top+row)*l.outWidth+x.from-l.left):], from)
	}
	return padded, l, nil
}

// processFloat is Process for DINOv3: the resize is done in float32, with no
// rounding to bytes. Upstream rescales before it; resizing is linear, so that
// is done after it here, once a value of the result.
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
	in := Input{Values: make([]float32, len(rgb)), Height: l.outHeight, Width: l.outWidth}
	area := l.outHeight * l.outWidth
	for i, v := range rgb {
		in.Values[i%3*area+i/3] = c.normalize(i%3, c.rescale(float64(v)))
	}
	return in, nil
}

func (c Config) rescale(v float64) float32 {
	if c.Rescale {
		v *= c.Factor
	}
	return float32(v)
}

func (c Config) normalize(channel int, v float32) float32 {
	if c.Normalize {
		v = (v - float32(c.Mean[channel])) / float32(c.Std[channel])
	}
	return v
}

// table has the value of each byte in each channel. Upstream multiplies by the
// factor in float64, rounds to float32 and normalises in that
// (image_transforms.py, rescale and normalize).
func (c Config) table() (t [3][256]float32) {
	for channel := range t {
		for b := range t[channel] {
			t[channel][b] = c.normalize(channel, c.rescale(float64(b)))
		}
	}
	return t
}
