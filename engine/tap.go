package engine

import (
	"slices"

	"vitrine/engine/kernel"
)

// capture is a Tap that copies some intermediates: [name][segment].
type capture struct {
	names  []string
	values map[string][]kernel.Mat
}

func capturing(names ...string) *capture {
	return &capture{names: names, values: map[string][]kernel.Mat{}}
}

func (c *capture) Wants(name string) bool { return slices.Contains(c.names, name) }

func (c *capture) Take(name string, segment int, values kernel.Mat) {
	c.values[name] = append(c.values[name], values.Clone())
}
