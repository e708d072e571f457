package main

import (
	"fmt"
	"strings"
)

// commentLimit is the maximum length of a comment's Markdown, in bytes: GitHub allows 65,536 characters, and some
// are left for text around it.
const commentLimit = 65000

// opened is the number of resources that are shown open; the others are folded. longest is the maximum number of
// lines of one.
const opened, longest = 8, 200

// render writes the preview as Markdown, cut at the limit, with a link to the whole. The same preview gives the same
// text.
func render(p preview, whole string, limit int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n<!-- %s -->\n\n", p.verdict(), p.marker())
	b.WriteString(p.table())
	var left []string
	for _, block := range p.blocks() {
		// Keep room for the list of omitted blocks.
		if b.Len()+len(block.text)+4000 <= limit {
			b.WriteString(block.text)
		} else {
			left = append(left, block.title)
		}
	}
	if len(left) > 0 {
		fmt.Fprintf(&b, "**%s left out, there is no room**, see %s:", count(len(left), "part"), whole)
		for i, title := range left {
			if i == 20 || b.Len()+len(title)+100 > limit {
				fmt.Fprintf(&b, " and %d more", len(left)-i)
				break
			}
			fmt.Fprintf(&b, " %s;", title)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// block is a part of the Markdown that is shown whole or not at all.
type block struct{ title, text string }

// blocks returns the diagnostics, errors first, and the resources that change, losses first.
func (p preview) blocks() []block {
	var blocks []block
	for _, severity := range []string{"error", "warning"} {
		for _, d := range p.digest.Diagnostics {
			if d.Severity == severity {
				blocks = append(blocks, d.block())
			}
		}
	}
	if p.failed && len(blocks) == 0 && p.text != "" {
		blocks = append(blocks, block{"what it printed", fence("", shortened(p.text)) + "\n"})
	}
	shown := 0
	for _, o := range operations {
		for _, s := range p.digest.Steps {
			// Pulumi's own resources, the stack and the providers, have no information.
			if s.Op != o.op || strings.HasPrefix(s.URN.part(2), "pulumi:") {
				continue
			}
			blocks = append(blocks, s.block(o.sign, o.op, shown < opened))
			shown++
		}
	}
	return blocks
}

// marker identifies the comment of a stack.
func (p preview) marker() string { return "pulumi preview of " + p.stack }

// verdict returns the first line: what will happen, with losses highlighted.
func (p preview) verdict() string {
	total := p.changes()
	none, some := "no changes", count(total, "change")
	if p.drift {
		none, some = "no drift", "drift in "+count(total, "resource")
	}
	var lost []string
	for _, o := range operations {
		if n := p.digest.ChangeSummary[o.op]; n > 0 && (o.op == "delete" || o.op == "replace") {
			lost = append(lost, fmt.Sprintf("**%d %s**", n, o.op))
		}
	}
	switch {
	case p.failed:
		return fmt.Sprintf("❌ `%s`: the preview failed", p.stack)
	case total == 0:
		return fmt.Sprintf("✅ `%s`: %s", p.stack, none)
	case len(lost) > 0:
		return fmt.Sprintf("⚠️ `%s`: %s, of them %s", p.stack, some, strings.Join(lost, " and "))
	}
	return fmt.Sprintf("🟦 `%s`: %s", p.stack, some)
}

// changes returns the number of resources that an update would change.
func (p preview) changes() int {
	total := 0
	for _, o := range operations {
		if o.op != "read" {
			total += p.digest.ChangeSummary[o.op]
		}
	}
	return total
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// table returns the counts of the operations that occur.
func (p preview) table() string {
	head, rule, row := "|", "|", "|"
	for _, o := range operations {
		if n := p.digest.ChangeSummary[o.op]; n > 0 {
			head, rule, row = head+" "+o.op+" |", rule+" ---: |", row+fmt.Sprintf(" %d |", n)
		}
	}
	if head == "|" {
		return ""
	}
	if same := p.digest.ChangeSummary["same"]; same > 0 {
		head, rule, row = head+" unchanged |", rule+" ---: |", row+fmt.Sprintf(" %d |", same)
	}
	return head + "\n" + rule + "\n" + row + "\n\n"
}

func (d diagnostic) block() block {
	title := "**" + d.Severity + "**"
	if d.URN != "" && d.URN.kind() != "Stack" {
		title += " of " + code(d.URN.title())
	}
	return block{title, title + "\n" + fence("", shortened(strings.TrimSpace(strings.TrimPrefix(d.Message, d.Severity+":")))) + "\n"}
}

// block returns a resource with its diff.
func (s step) block(sign, operation string, open bool) block {
	title := fmt.Sprintf("`%s` %s **%s**", sign, operation, escaped(s.URN.title()))
	for i, reason := range s.ReplaceReasons {
		switch {
		case i == 0:
			title += " because of " + code(reason)
		case i < reasons:
			title += ", " + code(reason)
		case i == reasons:
			title += fmt.Sprintf(" and %d more", len(s.ReplaceReasons)-reasons)
		}
	}
	lines := diffLines(s)
	if len(lines) == 0 {
		return block{title, title + "\n\n"}
	}
	attribute := ""
	if open {
		attribute = " open"
	}
	return block{title, fmt.Sprintf("<details%s><summary>%s</summary>\n\n%s\n</details>\n\n", attribute, html(title), fence("diff", shortened(strings.Join(lines, "\n"))))}
}

// shortened cuts a text after longest lines.
func shortened(text string) string {
	lines := strings.Split(text, "\n")
	if len(lines) <= longest {
		return text
	}
	return strings.Join(lines[:longest], "\n") + fmt.Sprintf("\n... and %d lines more", len(lines)-longest)
}

// reasons is how many reasons of a replacement are named, and longestName the maximum number of characters of a name.
const reasons, longestName = 5, 100

// special are the characters with a meaning in Markdown or HTML.
const special = "<>&\"'`*_[]|~\\"

// escaped returns a name that Markdown and the HTML in it show unchanged, cut if it is too long.
func escaped(name string) string {
	var b strings.Builder
	for i, r := range []rune(name) {
		switch {
		case i == longestName:
			return b.String() + "…"
		case strings.ContainsRune(special, r):
			fmt.Fprintf(&b, "&#%d;", r)
		case r < ' ':
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// code formats a name as code: between marks, in which nothing can be escaped, or between tags.
func code(name string) string {
	if len(name) > longestName || strings.ContainsAny(name, "<>&`*\n") {
		return "<code>" + escaped(name) + "</code>"
	}
	return "`" + name + "`"
}

// html replaces the marks of a title with tags for a summary.
func html(title string) string {
	for _, mark := range []struct{ text, tag string }{{"**", "b"}, {"`", "code"}} {
		for i := 0; strings.Contains(title, mark.text); i++ {
			title = strings.Replace(title, mark.text, []string{"<" + mark.tag + ">", "</" + mark.tag + ">"}[i%2], 1)
		}
	}
	return title
}

// fence puts a text into a code block that no line of it can end.
func fence(language, text string) string {
	ticks := "```"
	for strings.Contains(text, ticks) {
		ticks += "`"
	}
	return ticks + language + "\n" + text + "\n" + ticks + "\n"
}
