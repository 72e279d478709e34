package pixels

// Patchify cuts values [3, height, width] into square patches with sides of patch
// pixels: dst [rows·columns, 3·patch·patch], each patch in the order of a
// convolution's weights: channel, row, column. Rows and columns at the bottom and
// right that do not fill a patch are dropped, as a convolution drops them. dst has
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

// eachPatch calls do for each row of pixels of each patch of a picture
// [rows·patch, width, 3], in NaFlex's order (convert_image_to_patches in upstream's
// image_processing_siglip2.py): run [patch, 3] is the row, at its index in
// [rows·columns, patch·patch·3].
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

// PatchifyHWC is Patchify for towers whose patches are in the order row, column,
// channel (NaFlex): dst [rows·columns, patch·patch·3].
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
