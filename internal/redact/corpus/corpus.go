// Package corpus makes texts on which redaction is measured: messages with
// secrets whose place is known, and messages that only look dangerous. Every
// random part comes from the seed, so that no well-formed token is in the tree
// and a figure can be taken again. It knows nothing about how secrets are found.
package corpus

import "encoding/json"

// Class says what kind of place a secret stands in.
type Class string

// The classes, in the order in which tables show them.
const (
	Provider Class = "provider"      // a vendor's token format, anywhere in a text
	Keyed    Class = "keyed"         // a value under a telling name
	URL      Class = "url/conn"      // in a URL or connection string
	Password Class = "pw text/CLI"   // told in prose or given to a program
	PEM      Class = "PEM/key files" // private key files
	File     Class = "files/HTTP"    // configuration files and HTTP messages
	Evasion  Class = "evasion"       // written so that it is not recognised
	Own      Class = "own tokens"    // agentbridge's own
	Negative Class = "negative"      // no secret at all
)

// Classes holds the classes with secrets.
var Classes = []Class{Provider, Keyed, URL, Password, PEM, File, Evasion, Own}

// Text is one message. Secrets are the parts of it that must not survive, each
// as it is written there; a key of several lines has one for each line.
type Text struct {
	Kind    string
	Class   Class
	Text    string
	Secrets []string
}

// kind is a family of texts; each template gives one.
type kind struct {
	name      string
	templates []string
}

// Generate returns the texts of a seed: about 900 with secrets, about 500
// without. Equal seeds give equal texts.
func Generate(seed uint64) []Text {
	g := newGen(seed)
	texts := g.providers()
	texts = append(texts, g.all(Keyed, keyedKinds)...)
	texts = append(texts, g.all(URL, urlKinds)...)
	texts = append(texts, g.all(Password, passwordKinds)...)
	texts = append(texts, g.pem()...)
	texts = append(texts, g.all(File, fileKinds)...)
	texts = append(texts, g.all(File, httpKinds)...)
	texts = append(texts, g.encodedFiles()...)
	texts = append(texts, g.evasions()...)
	texts = append(texts, g.all(Own, ownKinds)...)
	texts = append(texts, g.all(Negative, negativeCode)...)
	texts = append(texts, g.all(Negative, negativeConfig)...)
	texts = append(texts, g.all(Negative, negativeData)...)
	texts = append(texts, g.all(Negative, negativeProse)...)
	texts = append(texts, g.all(Negative, negativeURL)...)
	return g.dress(texts)
}

// all makes the texts of the kinds.
func (g *gen) all(class Class, kinds []kind) []Text {
	var texts []Text
	for _, k := range kinds {
		for _, template := range k.templates {
			text, secrets := g.expand(template)
			texts = append(texts, Text{k.name, class, text, secrets})
		}
	}
	return texts
}

// dress puts a line before and after every fifth text, as a message has them.
// JSON documents stay alone so that they stay JSON.
func (g *gen) dress(texts []Text) []Text {
	for i := range texts {
		if g.r.IntN(5) != 0 || json.Valid([]byte(texts[i].Text)) {
			continue
		}
		texts[i].Text = g.pick(openings) + "\n\n" + texts[i].Text + "\n\n" + g.pick(closings)
	}
	return texts
}

var openings = []string{
	"Here is what I have so far.", "From the build machine:", "Status of the migration, second attempt:",
	"I looked into it. This is the part that matters:", "Can you review this before I merge?", "## Findings",
	"@bob, the file you asked for:", "Reproduced on main. Output below.",
}

var closings = []string{
	"All other tests pass.", "Let me know when you are done.", "I will take the next task meanwhile.",
	"Nothing else changed.", "Ping me if this breaks again.", "- done\n- next: update the docs",
}
