module vitrine

go 1.26

require (
	github.com/alecthomas/kong v1.17.0
	golang.org/x/text v0.31.0
)
