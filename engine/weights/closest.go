package weights

// ClosestName returns the name with the smallest Levenshtein distance to name, in
// bytes, for error messages. It returns "" if the distance is more than a third of
// the length of name.
func ClosestName(name string, names []string) string {
	const longest = 1000
	if len(name) > longest {
		return ""
	}
	best, limit := "", len(name)/3+1
	row := make([]int, len(name)+1)
	for _, other := range names {
		if d := distance(name, other, row, limit); d < limit {
			best, limit = other, d
		}
	}
	return best
}

// distance returns the Levenshtein distance of a and b, or some number ≥ limit if
// it is not below limit. row is scratch memory of len(a)+1 elements.
func distance(a, b string, row []int, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	for i := range row {
		row[i] = i
	}
	for j := range len(b) {
		diagonal := row[0]
		row[0] = j + 1
		least := row[0]
		for i := range len(a) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[i+1]
			row[i+1] = min(replaced, row[i]+1, row[i+1]+1)
			least = min(least, row[i+1])
		}
		if least >= limit {
			return limit
		}
	}
	return row[len(a)]
}

// hint returns the end of a sentence about an absent name, which names the closest.
func hint(name string, names []string) string {
	if near := ClosestName(name, names); near != "" {
		return " (the closest name in it is " + shorten(near) + ")"
	}
	return ""
}
