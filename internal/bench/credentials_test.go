package bench_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agentbridge/bridgetest"
	"agentbridge/internal/bench"
)

const rightToken = "the-right-token-of-this-test"

func forged(n int) string { return fmt.Sprintf("%s%d", rightToken[:len(rightToken)-1], n) }

// route gives one path to a handler and all others to another.
func route(path string, one, others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			one.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

func TestCredentials(t *testing.T) {
	server := onlyHTTP(t, faces(t, bridgetest.Unlimited(t), rightToken))
	server.Token, server.Wrong = rightToken, forged
	res := resultOf(t, mustMeasure(t, "credentials", server, bench.Settings{Duration: 1}), bench.HTTP, "forged tokens refused")
	if res.Count != 300 || res.Figures["answered 401"] == 0 || res.Figures["answered 429"] == 0 ||
		res.Figures["answered 401"]+res.Figures["answered 429"] != 300 || res.Figures["right tokens between"] != 6 {
		t.Errorf("300 forged tokens: %d refused, %v", res.Count, res.Figures)
	}
}

func TestCredentials_brokenPromises(t *testing.T) {
	for _, test := range []struct {
		name, path string
		answer     func(honest http.Handler) http.HandlerFunc // to a forged token
		want       string
	}{
		{"admits", "/mcp", func(http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, `{}`) }
		}, "a forged token was admitted: POST /mcp answered 200"},
		{"stores all the same", "/api/send", func(honest http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				r.Header.Set("Authorization", "Bearer "+rightToken)
				honest.ServeHTTP(httptest.NewRecorder(), r)
				w.WriteHeader(http.StatusUnauthorized)
			}
		}, "refused and its message stored all the same"},
		{"locks everybody out", "/api/send", func(http.Handler) http.HandlerFunc { return nil }, "the right token, while others tried wrong ones"},
	} {
		t.Run(test.name, func(t *testing.T) {
			honest := faces(t, bridgetest.Unlimited(t), rightToken)
			answer, tried := test.answer(honest), 0
			server := onlyHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				wrong := r.Header.Get("Authorization") != "Bearer "+rightToken && r.URL.Path != "/status"
				if wrong {
					tried++
				}
				switch {
				case wrong && r.URL.Path == test.path && answer != nil:
					answer(w, r)
				case !wrong && tried > 10 && r.URL.Path == test.path && answer == nil:
					w.WriteHeader(http.StatusTooManyRequests)
				default:
					honest.ServeHTTP(w, r)
				}
			}))
			server.Token, server.Wrong = rightToken, forged
			_, err := measure(t, "credentials", server, bench.Settings{Duration: 1})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("a bridge that %s: %v; want %q", test.name, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), rightToken[:12]) {
				t.Errorf("the error shows a token: %v", err)
			}
		})
	}
}

func TestCredentials_open(t *testing.T) {
	results := mustMeasure(t, "credentials", onlyHTTP(t, http.NotFoundHandler()), bench.Settings{})
	if len(results) != 1 || !strings.Contains(results[0].Note, "asks for no token") {
		t.Errorf("a bridge without tokens: %+v; want one note", results)
	}
}
