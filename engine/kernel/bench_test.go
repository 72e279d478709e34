package kernel

import (
	"fmt"
	"testing"
)

// BenchmarkLinear reports GFLOP/s at the shapes of ViT-B/16.
func BenchmarkLinear(b *testing.B) {
	for _, s := range [][3]int{{197, 768, 768}, {50, 768, 768}, {197, 192, 768}} {
		x, dst, w := NewMat(s[0], s[1]), NewMat(s[0], s[2]), NewLinear(s[1], s[2], true)
		for _, set := range Sets() {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", set.Name, s[0], s[1], s[2]), func(b *testing.B) {
				for b.Loop() {
					set.Linear(dst, x, w, Identity, Mat{})
				}
				b.ReportMetric(2*float64(s[0]*s[1]*s[2])*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
