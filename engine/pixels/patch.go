package pixels

// Patchify cuts values [3, height, width] into patches of the side given:
// dst [rows·columns, 3·patch·patch], each patch in the order of a convolution's
// weights: channel, row, column. Pixels at the right and bottom that fill no
// patch are dropped, as a convolution drops them. dst has
// (height/patch)·(width/patch)·3·patch² elements.
func Patchify(dst []float32, values []float32, height, width, patch int) {
	for row := range height / patch {
		for column := range width / patch {
			for channel := range 3 {
				for y := range patch {
					from := (channel*height+row*patch+y)*width + column*patch
					dst = dst[copy(dst, values[from:][:patch]):]
				}
			}
		}
	}
}

// eachPatch walks the patches of a picture [rows·patch, width, 3] as NaFlex
// orders them (convert_image_to_patches in upstream's
// image_processing_siglip2.py): do gets each run of pixels, a row of a patch,
// and where it stands in [rows·columns, patch·patch·3].
func eachPatch(rgb []byte, width, rows, columns, patch int, do func(at int, run []byte)) {
	at := 0
	for row := range rows {
		for column := range columns {
			for y := range patch {
				from := 3 * ((row*patch+y)*width + column*patch)
				do(at, rgb[from:][:3*patch])
				at += 3 * patch
			}
		}
	}
}

// PatchifyHWC is Patchify for towers whose patches are flattened row, column,
// channel (NaFlex).
func PatchifyHWC(dst []float32, values []float32, height, width, patch int) {
	at := 0
	for row := range height / patch {
		for column := range width / patch {
			for y := range patch {
				for x := range patch {
					for channel := range 3 {
						dst[at] = values[(channel*height+row*patch+y)*width+column*patch+x]
						at++
					}
				}
			}
		}
	}
}
