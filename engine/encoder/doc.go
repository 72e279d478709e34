// Package encoder has one pre-LN transformer for every family of models.
//
// A family is data: Spec, Vision and Text say which parts a tower has, and the
// walk over its blocks (walk.go) is the same for all. Everything a caller may
// want to see on the way (patches, hidden states, attention) is a Tap with a
// name. The walk computes nothing itself: it calls a Machine, and there is one
// for each place the arithmetic can run.
//
// A batch is one matrix: the tokens of all its pictures or texts under each
// other, cut into segments of their own lengths. Projections see all rows at
// once, attention sees one segment at a time; so pictures of different shapes
// need neither padding nor masks.
package encoder
