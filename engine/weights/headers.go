package weights

import "context"

// ReadHeaders reads the headers of all shards, so that Tensors has all fields, as for a
// single file. It reads no data, and closes each file behind its header.
func (c *Checkpoint) ReadHeaders(ctx context.Context) error {
	if !c.Sharded() {
		return nil
	}
	c.Tensors = nil
	for _, file := range c.index.files {
		h, err := c.openShard(ctx, file)
		if err == nil {
			err = c.Close()
		}
		if err != nil {
			return err
		}
		c.Tensors = append(c.Tensors, h.Tensors...)
	}
	c.stripModule()
	return nil
}
