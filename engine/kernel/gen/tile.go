package main

// tile is what the tiles of float32 and int8 weights share: the variables of a
// function that computes rows × 8 results.
type tile struct {
	f                *function
	rows             []local    // the address in each row of a
	sums             [][2]local // the results, two vectors per row
	left, right, one local      // two vectors of weights, and a value of a in all lanes
}

// newTile declares the variables. a is the address of the first row, lda the distance
// of two rows in bytes.
func newTile(f *function, rows int, a, lda local) tile {
	t := tile{f: f, rows: make([]local, rows), sums: make([][2]local, rows)}
	for r := range rows {
		t.rows[r] = f.local(i32)
		t.sums[r] = [2]local{f.local(v128), f.local(v128)}
	}
	t.left, t.right, t.one = f.local(v128), f.local(v128), f.local(v128)
	f.set(t.rows[0], a)
	for r := 1; r < rows; r++ {
		f.set(t.rows[r], i32Add(t.rows[r-1], lda))
	}
	return t
}

// loops writes the loops over a panel at address b: four steps at a time up to limit,
// then one at a time up to end. step(u) is step number u from b; each reads bytes of a
// row and panelBytes of the panel.
func (t tile) loops(b, limit, end local, bytes int, step func(u int)) {
	f := t.f
	loop := func(unroll int) {
		f.when(i32LtU(b, limit), func() {
			f.repeat(func() {
				for u := range unroll {
					step(u)
				}
				for _, row := range t.rows {
					f.add(row, number(bytes*unroll))
				}
				f.add(b, number(panelBytes*unroll))
			}, i32LtU(b, limit))
		})
	}
	loop(4)
	f.set(limit, end)
	loop(1)
}

// add adds a [rows, 8] matrix to the sums, unless its address is zero.
func (t tile) add(address, stride local) {
	t.f.when(address, func() {
		t.eachRow(address, stride, func(sum [2]local) {
			t.f.set(sum[0], f32x4Add(sum[0], v128Load(address, 0)))
			t.f.set(sum[1], f32x4Add(sum[1], v128Load(address, 16)))
		})
	})
}

// store stores the sums as a [rows, 8] matrix.
func (t tile) store(address, stride local) {
	t.eachRow(address, stride, func(sum [2]local) {
		t.f.do(v128Store(address, 0, sum[0]))
		t.f.do(v128Store(address, 16, sum[1]))
	})
}

// eachRow calls do for the sums of each row, with the row's address in address.
func (t tile) eachRow(address, stride local, do func(sum [2]local)) {
	for r, sum := range t.sums {
		do(sum)
		if r < len(t.sums)-1 {
			t.f.add(address, stride)
		}
	}
}
