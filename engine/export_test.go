package engine

import "time"

// WithClock makes the clock by which a GPU's speed is compared with the CPU's.
func (o Options) WithClock(now func() time.Time) Options {
	o.clock = now
	return o
}

// WithAnyWork tries the GPU with small models, too.
func (o Options) WithAnyWork() Options {
	o.anyWork = true
	return o
}
