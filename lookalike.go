package agentbridge

import (
	"strings"
	"unicode/utf8"
)

// LookAlike returns what a name looks like in ASCII: each letter and sign of
// another alphabet that looks like one of ASCII is replaced by it (a skeleton
// in the sense of Unicode TS #39), and what is invisible is left out. Other
// characters stay, and a name of ASCII alone is its own skeleton.
//
// A new name that is not ASCII and whose skeleton is another, existing name
// would be taken for that one.
func LookAlike(name string) string {
	if isASCII(name) {
		return name
	}
	var b strings.Builder
	b.Grow(len(name))
	for _, r := range name {
		switch ascii, known := lookAlikes[r]; {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case known:
			b.WriteString(ascii)
		case isHidden(r) || isSelector(r):
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// lookAlikes is made of the two columns below.
var lookAlikes = func() map[rune]string {
	table := make(map[rune]string, 400)
	for _, pair := range alike {
		for _, r := range pair.others {
			table[r] = pair.ascii
		}
	}
	return table
}()

// alike are the characters that a common font draws like one of ASCII, or so
// nearly that nobody would look twice. What NFKC turns into ASCII by itself
// (full width, mathematical letters) need not be here.
var alike = []struct{ ascii, others string }{
	{"A", "ΑАᎪꓮᗅ"}, {"B", "ΒВᏴꓐᗷ"}, {"C", "СϹᏟꓚᑕ"}, {"D", "ᎠꓓᗞᗪÐ"}, {"E", "ΕЕᎬꓰ"}, {"F", "ϜꓝᖴҒ"}, {"G", "ԌᏀꓖ"},
	{"H", "ΗНᎻꓧᕼ"}, {"I", "ΙІӀꓲᛁ"}, {"J", "ЈͿᎫꓙᒍ"}, {"K", "ΚКᏦꓗҚ"}, {"L", "ᏞꓡᒪԼ"}, {"M", "ΜМᎷꓟᗰ"}, {"N", "Νꓠ"},
	{"O", "ΟОՕꓳ〇"}, {"P", "ΡРᏢꓑᑭ"}, {"Q", "Ԛ"}, {"R", "ᎡᏒꓣᖇ"}, {"S", "ЅՏᏕᏚꓢ"}, {"T", "ΤТᎢꓔ"}, {"U", "Սꓴᑌ"},
	{"V", "ѴᏙꓦᐯ"}, {"W", "ԜᎳᏔꓪ"}, {"X", "ΧХꓫ"}, {"Y", "ΥҮᎩꓬ"}, {"Z", "ΖᏃꓜ"},
	{"a", "аαɑᴀ"}, {"b", "ЬьƄƅᏏʙ"}, {"c", "сϲᴄⲥ"}, {"d", "ԁɗᏧᴅ"}, {"e", "еҽεєᴇ"}, {"f", "ẝքꜰ"}, {"g", "ɡցᶃɢ"}, {"h", "һհᏂʜ"},
	{"i", "іιıɩɪᎥ"}, {"j", "јյϳ"}, {"k", "кκᴋ"}, {"l", "ӏǀוןʟ"}, {"m", "мᴍ"}, {"n", "пηոռղɴ"}, {"o", "оοօσᴏⲟסഠ"},
	{"p", "рρⲣᴘ"}, {"q", "ԛզգ"}, {"r", "гᴦʀ"}, {"s", "ѕꜱ"}, {"t", "тτᴛ"}, {"u", "υսᴜʋ"}, {"v", "νѵᴠ"}, {"w", "ωԝաᴡɯш"},
	{"x", "хχ"}, {"y", "уγүʏყ"}, {"z", "ᴢ"},
	{"3", "ЗзӠᴈ"}, {"4", "ЧᏎ"}, {"6", "б"}, {"8", "Ȣ"},
	{"-", "‐‒–—−⁃"}, {":", "։׃ː꞉∶"}, {"/", "⁄∕╱⧸"}, {".", "۔ꓸ·"}, {"'", "’‘ʼʹ′"}, {"_", "ˍ‗"}, {"!", "ǃ"}, {"|", "∣│"},
	{"#", "⌗"}, {"*", "∗⁎"}, {",", "‚"}, {" ", "\u2800"},
	{"ae", "æ"}, {"oe", "œ"},
}
