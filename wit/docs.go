package wit

import "strings"

// docsIn gathers the doc comments in a stretch of white space: `///` lines and
// `/** */` blocks. Each line loses its marker and the space at its ends.
func docsIn(text string) string {
	var lines []string
	for i := 0; i < len(text); {
		switch rest := text[i:]; {
		case strings.HasPrefix(rest, "//"):
			end := lineEnd(text, i)
			if line := text[i:end]; strings.HasPrefix(line, "///") && !strings.HasPrefix(line, "////") {
				lines = append(lines, strings.TrimSpace(line[3:]))
			}
			i = end
		case strings.HasPrefix(rest, "/*"):
			end, _ := blockCommentEnd(text, i)
			if block := text[i:end]; strings.HasPrefix(block, "/**") && len(block) > 4 && block[3] != '*' {
				lines = append(lines, blockLines(block[3:len(block)-2])...)
			}
			i = end
		default:
			i++
		}
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

func blockLines(block string) []string {
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(block), "\n") {
		line = strings.TrimSpace(line)
		line = strings.TrimSpace(strings.TrimPrefix(line, "*"))
		lines = append(lines, line)
	}
	return lines
}
