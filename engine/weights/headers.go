package weights

import (
	"context"
	"errors"
	"io/fs"

	"vitrine/engine/fault"
)

// ReadHeaders reads the headers of all shards, so that Tensors has all fields, as for a
// single file. It reads no data, and closes each file behind its header.
func (c *Checkpoint) ReadHeaders(ctx context.Context) error {
	if !c.Sharded() {
		return nil
	}
	c.Tensors = nil
	for _, file := range c.index.files {
		h, err := c.open(ctx, file)
		if errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.NotFound, file, "is listed in %s but is absent; download it too: %w", c.index.name, err)
		}
		if err != nil {
			return err
		}
		if err := errors.Join(c.index.check(h), c.Close()); err != nil {
			return err
		}
		c.Tensors = append(c.Tensors, h.Tensors...)
	}
	c.stripModule()
	return nil
}
