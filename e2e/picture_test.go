package e2e

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"
)

// picture returns the answers over time as SVG: a bar for the requests that were made in each second.
func (o outcome) picture() []byte {
	const bar, height, left, top = 9, 120, 40, 46
	kinds := []struct{ name, colour string }{{"answered", "#3a9d5d"}, {"slow", "#e3a008"}, {"lost", "#c81e1e"}}
	var seconds [][3]int
	for _, a := range o.answers {
		second := int(a.at / time.Second)
		for len(seconds) <= second {
			seconds = append(seconds, [3]int{})
		}
		kind := 0
		switch {
		case isLost(a):
			kind = 2
		case a.took > slow:
			kind = 1
		}
		seconds[second][kind]++
	}
	most := 1
	for _, s := range seconds {
		most = max(most, s[0]+s[1]+s[2])
	}
	var title, b bytes.Buffer
	_ = xml.EscapeText(&title, []byte(o.Failure))
	width := max(left+bar*len(seconds)+20, 420)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n", width, top+height+36)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><text x="%d" y="16" font-size="13">%s</text>`+"\n", left, title.Bytes())
	for n, kind := range kinds {
		fmt.Fprintf(&b, `<rect x="%d" y="24" width="10" height="10" fill="%s"/><text x="%d" y="33">%s</text>`+"\n", left+90*n, kind.colour, left+14+90*n, kind.name)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%d</text><text x="%d" y="%d" text-anchor="end">0</text>`+"\n", left-4, top+8, most, left-4, top+height)
	for second, counts := range seconds {
		y := top + height
		for n, count := range counts {
			if count == 0 {
				continue
			}
			h := max(1, count*height/most)
			y -= h
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n", left+second*bar, y, bar-1, h, kinds[n].colour)
		}
		if second%10 == 0 {
			fmt.Fprintf(&b, `<text x="%d" y="%d">%d s</text>`+"\n", left+second*bar, top+height+14, second)
		}
	}
	x := left + int(o.failed.Seconds()*bar)
	fmt.Fprintf(&b, `<path d="M%d %dv%d" stroke="#111" stroke-dasharray="3 2"/><text x="%d" y="%d">it fails</text>`+"\n</svg>\n", x, top-4, height+6, x+3, top+4)
	return b.Bytes()
}

// Each request is in the bar of its second, in the colour of its result.
func TestPicture(t *testing.T) {
	o := outcome{Failure: "a & b", failed: 2 * time.Second}
	for second := range 3 {
		for range 10 {
			o.answers = append(o.answers, answer{at: time.Duration(second) * time.Second, took: cmp.Or(time.Duration(second)*2*time.Second, time.Millisecond)})
		}
	}
	o.answers = append(o.answers, answer{at: 2500 * time.Millisecond, lost: "503"})
	svg := string(o.picture())
	if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		">a &amp; b<",
		`<rect x="40" y="57" width="8" height="109" fill="#3a9d5d"/>`, // 10 of 11
		`<rect x="49" y="57" width="8" height="109" fill="#e3a008"/>`,
		`<rect x="58" y="57" width="8" height="109" fill="#e3a008"/>`,
		`<rect x="58" y="47" width="8" height="10" fill="#c81e1e"/>`, // 1 of 11
		`<path d="M58 `,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is not in\n%s", want, svg)
		}
	}
}

// A request that the node has when it fails is counted separately. A later one counts as lost.
func TestInFlight(t *testing.T) {
	all := answers{
		{at: 0, took: time.Second},
		{at: 1900 * time.Millisecond, took: 12 * time.Second},
		{at: 1950 * time.Millisecond, took: time.Second, lost: "504"},
		{at: 2100 * time.Millisecond, took: time.Second, lost: "503"},
	}
	for _, node := range []bool{true, false} {
		o := outcome{node: node, failed: 2 * time.Second, Slowest: 6 * time.Second}.with(load{}, all)
		want := outcome{Requests: 4, Lost: 2, Slow: 2}
		if node {
			want.Lost, want.InFlight = 1, 2
		}
		if o.Requests != want.Requests || o.Lost != want.Lost || o.Slow != want.Slow || o.InFlight != want.InFlight {
			t.Errorf("with a node that fails %v: %d requests, %d lost, %d slow, %d in flight, want %+v", node, o.Requests, o.Lost, o.Slow, o.InFlight, want)
		}
	}
}
