//go:build !js

package kernel

// simdSets is empty natively, where only the scalar code runs.
func simdSets() []Set { return nil }
