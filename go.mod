module vitrine

go 1.26

require (
	github.com/alecthomas/kong v1.17.0
	github.com/norunners/vert v0.0.0-20221203075838-106a353d42dd
	github.com/syumai/tinyutil v0.3.2
	golang.org/x/text v0.31.0
)

require (
	github.com/evanw/esbuild v0.28.2
	golang.org/x/sys v0.0.0-20220715151400-c0bba94af5f8 // indirect
)
