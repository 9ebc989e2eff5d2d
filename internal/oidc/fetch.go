// This file reads JSON from the issuer, who may be slow, broken or hostile, and from nobody else.

package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	fetchTime    = 5 * time.Second // for all that is read at a time
	maxAnswer    = 1 << 20         // bytes
	maxRedirects = 3
)

type fetcher struct{ client http.Client }

func newFetcher(c *http.Client) *fetcher {
	f := &fetcher{}
	if c != nil {
		f.client.Transport = c.Transport
	}
	f.client.CheckRedirect = checkRedirect
	return f
}

var errRedirect = errors.New("it redirects to another host, or in circles")

// checkRedirect follows the issuer to other places at the same host.
func checkRedirect(next *http.Request, so []*http.Request) error {
	if next.URL.Host != so[0].URL.Host || next.URL.Scheme != so[0].URL.Scheme || len(so) > maxRedirects {
		return errRedirect
	}
	return nil
}

// json reads a value. Its errors say nothing that the answer holds.
func (f *fetcher) json(ctx context.Context, where string, value any) error {
	u, err := url.Parse(where)
	if err != nil || u.Host == "" || !secure(u) {
		return errors.New("its URL is not https")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return errors.New("its URL can't be asked")
	}
	request.Header.Set("Accept", "application/json")
	response, err := f.client.Do(request)
	switch {
	case errors.Is(err, errRedirect):
		return errRedirect
	case ctx.Err() != nil:
		return fmt.Errorf("no answer within %v", fetchTime)
	case err != nil:
		return fmt.Errorf("no connection: %w", withoutURL(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("no whole answer within %v", fetchTime)
	case err != nil:
		return errors.New("the answer broke off")
	case len(body) > maxAnswer:
		return fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	case json.Unmarshal(body, value) != nil:
		return errors.New("the answer is not the JSON that it should be")
	}
	return nil
}

// withoutURL is what a client's error says besides where it went.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
