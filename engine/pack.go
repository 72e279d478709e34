package engine

import (
	"context"

	"vitrine/engine/bind"
	"vitrine/engine/family"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// Pack turns the weights of a model folder into those of a packed file: the linear layers
// of blocks become int8 with the scales that q8 gives them, matrices else half floats,
// vectors float32. What no tower reads is left out. Names of tensors stay what they are.
func Pack(ctx context.Context, folder weights.Folder) (PackedModel, error) {
	l := loader{ctx: ctx, folder: folder, options: Options{DType: "q8"}, dtype: kernel.Q8}
	defer l.close()
	if err := l.open(); err != nil {
		return PackedModel{}, err
	}
	if l.arch.Packed {
		return PackedModel{}, fault.New(fault.Unsupported, folder.Name(), "is packed already")
	}
	if l.inside != "" {
		return PackedModel{}, fault.New(fault.Unsupported, folder.Name(), "is sentence-transformers' layout; pack the folder %s in it", l.inside)
	}
	p := PackedModel{Config: family.PackedConfig(l.config)}
	p.ConfigFile, p.WeightsFile = l.packedNames()
	var err error
	p.Tensors, err = bind.Pack(ctx, l.arch, folder.Name(), l.checkpoint)
	return p, err
}

// PackedConfig is a config.json that says of its weights that they are packed.
func PackedConfig(config []byte) []byte { return family.PackedConfig(config) }
