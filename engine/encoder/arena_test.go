package encoder

import "testing"

// TestArenaKeepsToTheLargestCall: calls that grow a little each, as pictures of
// many shapes do, must not leave a trail of blocks.
func TestArenaKeepsToTheLargestCall(t *testing.T) {
	var a arena
	largest := 0
	for size := 1000; size < 400_000; size += 7919 {
		a.reset()
		sum := 0
		for _, n := range []int{size, 3 * size, 17, size / 2} {
			piece := a.take(n)
			if len(piece) != n {
				t.Fatalf("%d values, want %d", len(piece), n)
			}
			piece[n-1] = float32(n) // is ours
			sum += n
		}
		largest = max(largest, sum)
	}
	a.reset()
	held := 0
	for _, block := range a.blocks {
		held += len(block)
	}
	if held > largest {
		t.Errorf("%d values are held, but the largest call took %d", held, largest)
	}
	if allocated := testing.AllocsPerRun(5, func() {
		a.reset()
		a.take(largest - 5)
		a.take(5)
	}); allocated > 0 {
		t.Errorf("a call no larger than those before allocates %v times", allocated)
	}
}
