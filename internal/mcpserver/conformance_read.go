//go:build conformance

package mcpserver

import (
	"context"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const watchedURI = "test://watched-resource"

func addResources(s *mcp.Server) {
	for _, r := range []struct {
		name     string
		contents mcp.ResourceContents
	}{
		{"static-text", mcp.ResourceContents{MIMEType: "text/plain", Text: "This is the content of the static text resource."}},
		{"static-binary", mcp.ResourceContents{MIMEType: "image/png", Blob: redDot()}},
		{"watched-resource", mcp.ResourceContents{MIMEType: "text/plain", Text: "It may change."}},
	} {
		r.contents.URI = "test://" + r.name
		s.AddResource(&mcp.Resource{URI: r.contents.URI, Name: r.name, Description: "A fixture.", MIMEType: r.contents.MIMEType},
			func(context.Context, *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
				return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{&r.contents}}, nil
			})
	}
	s.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: "test://template/{id}/data", Name: "template", MIMEType: "application/json"}, readTemplate)
}

func readTemplate(_ context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	id := strings.TrimSuffix(strings.TrimPrefix(r.Params.URI, "test://template/"), "/data")
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{
		URI: r.Params.URI, MIMEType: "application/json",
		Text: fmt.Sprintf(`{"id":%q,"templateTest":true,"data":"Data for ID: %s"}`, id, id),
	}}}, nil
}

// knownURI refuses subscriptions to what will never change.
func knownURI(uri string) error {
	if uri != watchedURI {
		return invalid("nothing to subscribe to at %q", uri)
	}
	return nil
}

func addPrompts(s *mcp.Server) {
	s.AddPrompt(&mcp.Prompt{Name: "test_simple_prompt", Description: "A text."},
		promptOf(&mcp.TextContent{Text: "This is a simple prompt for testing."}))
	s.AddPrompt(&mcp.Prompt{Name: "test_prompt_with_image", Description: "A picture and a text."},
		promptOf(&mcp.ImageContent{Data: redDot(), MIMEType: "image/png"}, &mcp.TextContent{Text: "Please analyze the image above."}))
	s.AddPrompt(&mcp.Prompt{Name: "test_prompt_with_arguments", Description: "A text with two arguments in it.", Arguments: promptArguments("arg1", "arg2")},
		func(ctx context.Context, r *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			given := r.Params.Arguments
			return promptOf(&mcp.TextContent{Text: fmt.Sprintf("Prompt with arguments: arg1='%s', arg2='%s'", given["arg1"], given["arg2"])})(ctx, r)
		})
	s.AddPrompt(&mcp.Prompt{Name: "test_prompt_with_embedded_resource", Description: "A resource and a text.", Arguments: promptArguments("resourceUri")},
		func(ctx context.Context, r *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			return promptOf(
				embedded(r.Params.Arguments["resourceUri"], "text/plain", "Embedded resource content for testing."),
				&mcp.TextContent{Text: "Please process the embedded resource above."})(ctx, r)
		})
}

// promptOf is a prompt in which the user says each of the contents.
func promptOf(contents ...mcp.Content) mcp.PromptHandler {
	return func(context.Context, *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		messages := []*mcp.PromptMessage{}
		for _, c := range contents {
			messages = append(messages, &mcp.PromptMessage{Role: "user", Content: c})
		}
		return &mcp.GetPromptResult{Messages: messages}, nil
	}
}

func promptArguments(names ...string) (list []*mcp.PromptArgument) {
	for _, name := range names {
		list = append(list, &mcp.PromptArgument{Name: name, Description: "Goes into the prompt.", Required: true})
	}
	return list
}
