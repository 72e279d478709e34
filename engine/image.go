package engine

import (
	"context"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
)

// FromImage takes a picture; the model's own preprocessing is applied to it.
func FromImage(picture pixels.Image) Image { return Image{picture: &picture} }

// FromValues takes pixelValues as upstream's processor gives them for one
// picture: shape [3, height, width], or for NaFlex [rows·columns, 3·patch²] with
// its grid.
func FromValues(values pixels.Input) Image { return Image{values: &values} }

// prepared is the tower's input of one picture.
type prepared struct {
	input      pixels.Input
	grid       encoder.Grid
	experiment Experiment
	ms         Ms
}

// prepare preprocesses a picture, or checks pixelValues.
func (m *Model) prepare(img Image, o ImageOptions) (prepared, error) {
	start := time.Now()
	p := prepared{}
	switch {
	case img.picture != nil && img.values == nil:
		if m.pixelsErr != nil {
			return p, m.pixelsErr
		}
		var err error
		p.input, err = m.pixels.Process(*img.picture, pixels.Options{Height: o.Size[0], Width: o.Size[1], MaxPatches: o.MaxPatches})
		if err != nil {
			return p, err
		}
	case img.values != nil && img.picture == nil:
		if o.Size != [2]int{} || o.MaxPatches != 0 {
			return p, fault.New(fault.Option, "size", "pixelValues have their size already; leave out size and maxPatches")
		}
		p.input = *img.values
	default:
		return p, fault.New(fault.Picture, "image", "is empty; make it with FromImage or FromValues")
	}
	if err := m.findGrid(&p); err != nil {
		return p, err
	}
	if o.Experiment != nil {
		p.experiment = *o.Experiment
		if err := p.experiment.check(p.grid.Patches()); err != nil {
			return p, err
		}
	}
	p.ms.Preprocess = milliseconds(start)
	return p, nil
}

// findGrid computes the grid of an input, and checks that the model takes such an input.
func (m *Model) findGrid(p *prepared) error {
	c := m.arch.Vision
	in := &p.input
	if in.Rows > 0 {
		p.grid = encoder.Grid{Rows: in.Rows, Columns: in.Columns}
		if !c.NaFlex {
			return fault.New(fault.Picture, "pixelValues", "are patches [rows·columns, 3·patch²], but this model takes [3, height, width]")
		}
		if want := p.grid.Patches() * 3 * c.Patch * c.Patch; len(in.Values) != want {
			return fault.New(fault.Picture, "pixelValues", "%d values for a grid of %d×%d; patches of %d×%d pixels make %d", len(in.Values), in.Rows, in.Columns, c.Patch, c.Patch, want)
		}
	} else {
		p.grid = encoder.Grid{Rows: in.Height / c.Patch, Columns: in.Width / c.Patch}
	}
	if n := p.grid.Patches(); n < 1 || n > maxPatches {
		return fault.New(fault.Picture, "image", "%d×%d pixels make a grid of %d×%d patches of %d pixels; supported are 1 to %d patches", in.Height, in.Width, p.grid.Rows, p.grid.Columns, c.Patch, maxPatches)
	}
	return nil
}

// maxPatches bounds a picture: one attention map of 2¹⁴ tokens takes 1 GB.
const maxPatches = 1 << 14

// picture gives p as the encoder takes it.
func (m *Model) picture(p prepared) encoder.Picture {
	c := m.arch.Vision
	return encoder.Picture{Grid: p.grid, Patches: func(dst kernel.Mat) {
		values := dst.Dense()
		switch {
		case p.input.Rows > 0:
			values = p.input.Values
		case c.NaFlex: // a fixed size for a tower whose patches are in row, column, channel order
			pixels.PatchifyHWC(values, p.input.Values, p.input.Height, p.input.Width, c.Patch)
		default:
			pixels.Patchify(values, p.input.Values, p.input.Height, p.input.Width, c.Patch)
		}
		dst.SetDense(values)
		p.experiment.reorder(dst)
	}}
}

// encodeImage runs one picture through the tower.
func (m *Model) encodeImage(ctx context.Context, img Image, o ImageOptions, tap encoder.Tap) (prepared, error) {
	p, err := m.prepare(img, o)
	if err != nil {
		return p, err
	}
	start, waited := time.Now(), m.waited()
	run := m.run(ctx, tap)
	p.experiment.apply(&run)
	err = m.encodePictures(ctx, run, []encoder.Picture{m.picture(p)})
	p.ms.Encode = milliseconds(start)
	p.ms.Device = float64(m.waited()-waited) / 1e6
	return p, err
}

func milliseconds(since time.Time) float64 { return float64(time.Since(since)) / 1e6 }
