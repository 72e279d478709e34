//go:build !js

package kernel

// simdSets is empty outside the browser: there the scalar code is all there is.
func simdSets() []Set { return nil }
