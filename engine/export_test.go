package engine

import "time"

// WithClock makes the clock by which a GPU's speed is compared with the CPU's.
func (o Options) WithClock(now func() time.Time) Options {
	o.clock = now
	return o
}
