// Package encoder has one pre-LN transformer for every family of models.
//
// A family is data: Spec, Vision and Text say which parts a tower has, and the walk over
// its blocks (walk.go) is the same for all. Intermediates that a caller may want
// (patches, hidden states, attention) have names, and a Tap receives those it wants. The
// walk computes nothing itself: it calls a Machine, and there is one Machine for the CPU
// and one for a GPU.
//
// A batch is one matrix: the tokens of all its pictures or texts under each other, in
// segments of their own lengths. Projections read all rows at once, attention reads one
// segment at a time. So pictures of different shapes need neither padding nor masks.
package encoder
