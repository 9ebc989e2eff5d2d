//go:build conformance

package mcpserver

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"image"
	"image/color"
	"image/png"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// addContentTools adds a tool for each kind of content, and one that fails.
func addContentTools(s *mcp.Server) {
	picture := &mcp.ImageContent{Data: redDot(), MIMEType: "image/png"}
	offer(s,
		returning("test_simple_text", "Returns a text.",
			&mcp.TextContent{Text: "This is a simple text response for testing."}),
		returning("test_image_content", "Returns a picture.", picture),
		returning("test_audio_content", "Returns a sound.",
			&mcp.AudioContent{Data: silence(), MIMEType: "audio/wav"}),
		returning("test_embedded_resource", "Returns a resource.",
			embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")),
		returning("test_multiple_content_types", "Returns a text, a picture and a resource.",
			&mcp.TextContent{Text: "Multiple content types test:"}, picture,
			embedded("test://mixed-content-resource", "application/json", `{"test":"data","value":123}`)),
		fixture{name: "test_error_handling", description: "Always fails.", call: alwaysFails})
}

func alwaysFails(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	result := textResult("This tool intentionally returns an error for testing")
	result.IsError = true
	return result, nil
}

func embedded(uri, mediaType, text string) *mcp.EmbeddedResource {
	return &mcp.EmbeddedResource{Resource: &mcp.ResourceContents{URI: uri, MIMEType: mediaType, Text: text}}
}

// redDot is a PNG of one pixel.
func redDot() []byte {
	dot := image.NewRGBA(image.Rect(0, 0, 1, 1))
	dot.Set(0, 0, color.RGBA{R: 255, A: 255})
	var b bytes.Buffer
	_ = png.Encode(&b, dot) // a buffer takes everything
	return b.Bytes()
}

// silence is a WAV file of one sample: PCM, one channel, 8 bits, 8000 Hz.
func silence() []byte {
	var b []byte
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, 38) // what follows, with the byte that pads the sample
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	for _, v := range []uint16{1, 1} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	for _, v := range []uint32{8000, 8000} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, v := range []uint16{1, 8} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, 1)
	return append(b, 128, 0)
}

// addSchemaTools adds tools of which the suite reads the schema: one with the vocabulary of JSON Schema 2020-12,
// and one with an argument that clients repeat in a header.
func addSchemaTools(s *mcp.Server) {
	offer(s,
		fixture{
			name: "json_schema_2020_12_tool", description: "Has a schema with the vocabulary of JSON Schema 2020-12.",
			input: json.RawMessage(fullSchema), call: repeatArguments,
		},
		fixture{
			name: "test_x_mcp_header", description: "Takes an argument that a header repeats.",
			input: input(need("region", `{"type":"string","x-mcp-header":"Region"}`)), call: repeatArguments,
		})
}

func repeatArguments(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	return textResult("%s", r.Params.Arguments), nil
}

const fullSchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"$defs": {"address": {
		"$anchor": "addressDef",
		"type": "object",
		"properties": {"street": {"type": "string"}, "city": {"type": "string"}}
	}},
	"properties": {
		"name": {"type": "string"},
		"address": {"$ref": "#/$defs/address"},
		"contactMethod": {"type": "string", "enum": ["phone", "email"]},
		"phone": {"type": "string"},
		"email": {"type": "string"}
	},
	"allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
	"if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
	"then": {"required": ["phone"]},
	"else": {"required": ["email"]},
	"additionalProperties": false
}`
