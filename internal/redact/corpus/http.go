package corpus

// httpKinds are HTTP messages as tools dump them, and code that builds them.
var httpKinds = []kind{
	{"authorization-bearer", []string{
		"GET /v1/me HTTP/1.1\r\nHost: «host»\r\nAuthorization: Bearer «!b62:40»\r\nAccept: */*\r\n\r\n", "> Authorization: Bearer «!jwt»\n> User-Agent: curl/8.9.1\n< HTTP/2 200",
		"headers = {\"Authorization\": \"Bearer «!b64u:43»\", \"Accept\": \"application/json\"}", "authorization: bearer  «!b62:32»",
	}},
	{"authorization-basic", []string{"POST /login HTTP/1.1\nHost: «host»\nAuthorization: Basic «!creds»\nContent-Length: 2\n\n{}", "curl -H 'Authorization: Basic «!creds»' https://«host»/", "req.Header.Set(\"Authorization\", \"Basic «!creds»\")"}},
	{"authorization-other", []string{
		"Authorization: Token «!hex:40»", "Authorization: ApiKey «!b64:40»", "Authorization: Digest username=\"«user»\", realm=\"r\", nonce=\"«hex:32»\", uri=\"/\", response=\"«!hex:32»\"",
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIA«!b32:16»/20261101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=«!hex:64»", "Authorization: SSWS 00«!b64u:40»",
		"Authorization: «!b62:48»", "Authorization: GenieKey «!uuid»", "Authorization: Negotiate YII«!b62:120»", "Authorization: Hawk id=\"a1\", ts=\"17«dig:8»\", mac=\"«!b64:43»=\"", "authorization: NTLM TlRMTVNTUAADAAAA«!b62:80»",
	}},
	{"proxy-authorization", []string{"CONNECT «host»:443 HTTP/1.1\nProxy-Authorization: Basic «!creds»\n"}},
	{"cookie", []string{
		"GET / HTTP/1.1\nHost: «host»\nCookie: theme=dark; sessionid=«!b62:32»; lang=en\n", "Cookie: connect.sid=s%3A«!b64u:32».«!b62:43»", "cookie: _session_id=«!hex:32»", "-b 'JSESSIONID=«!HEX:32»' https://«host»/app", "curl --cookie \"auth_token=«!b62:40»\" https://«host»/",
	}},
	{"set-cookie", []string{"Set-Cookie: session=«!b64u:64»; Path=/; HttpOnly; Secure", "< set-cookie: laravel_session=«!b62:120»%3D; expires=Tue, 01 Dec 2026 10:00:00 GMT; httponly", "Set-Cookie: PHPSESSID=«!low:26»; path=/"}},
	{"x-api-key", []string{
		"POST /v1/run HTTP/1.1\nHost: «host»\nX-Api-Key: «!b62:40»\nContent-Type: application/json\n\n{\"n\":1}", "-H \"x-api-key: «!b62:32»\"", "X-Auth-Token: «!hex:32»", "PRIVATE-TOKEN: «!b62:20»", "DD-API-KEY: «!hex:32»", "X-Vault-Token: s.«!b62:24»",
		"Ocp-Apim-Subscription-Key: «!hex:32»", "X-Amz-Security-Token: IQoJb3JpZ2lu«!b62:160»", "X-CSRF-Token: «!b62:43»", "apikey: «!b62:40»", "X-Hub-Signature-Secret: «!hex:40»", "api-key: «!hex:32»",
	}},
	{"har-json", []string{
		`{"headers": [{"name": "Host", "value": "«host»"}, {"name": "Authorization", "value": "Bearer «!b62:40»"}]}`, `{"method": "GET", "headers": {"X-API-Key": "«!b62:32»", "Accept": "*/*"}, "status": 200}`,
		`{"access_token": "«!b62:64»", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "«!b62:48»"}`, `{"id_token":"«!jwt»","scope":"openid","expires_in":300}`,
	}},
	{"websocket-sse", []string{"wss://«host»/socket?token=«!jwt»", "Sec-WebSocket-Protocol: bearer, «!jwt»"}},
	{"bearer-in-code", []string{"axios.get(u, { headers: { Authorization: `Bearer «!b62:40»` } })", "request.setValue(\"Bearer «!b64u:43»\", forHTTPHeaderField: \"Authorization\")", "http GET «host»/me 'Authorization:Bearer «!b62:36»'", "grpcurl -H 'authorization: Bearer «!jwt»' «host»:443 list"}},
}
