package sqlite

import (
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

const agentColumns = `name, roles, scopes, subject, created_at, revoked_at, lifetime`

// agent reads agentColumns.
func (r row) agent() store.Agent {
	a := store.Agent{
		Name:      agentbridge.AgentName(r.text(0)),
		Subject:   r.text(3),
		CreatedAt: micros(r.int(4)),
		RevokedAt: r.moment(5),
		Lifetime:  time.Duration(r.int(6)) * time.Second,
	}
	for _, role := range listed(r.text(1)) {
		a.Roles = append(a.Roles, agentbridge.AccessRole(role))
	}
	for _, scope := range listed(r.text(2)) {
		verb, pattern, _ := strings.Cut(scope, ":")
		a.Scopes = append(a.Scopes, agentbridge.Scope{Verb: agentbridge.Verb(verb), Pattern: pattern})
	}
	return a
}

// listed are the parts of a text with commas between.
func listed(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// Agent implements store.Reader.
func (r *reader) Agent(name agentbridge.AgentName) (a store.Agent, ok bool, err error) {
	found, ok, err := r.one(`
		SELECT `+agentColumns+`
		FROM agents
		WHERE name = ?`, string(name))
	if ok {
		a = found.agent()
	}
	return a, ok, err
}

// Agents implements store.Reader.
func (r *reader) Agents() (list []store.Agent, err error) {
	err = r.each(`
		SELECT `+agentColumns+`
		FROM agents
		ORDER BY name`, nil,
		func(found row) (bool, error) {
			list = append(list, found.agent())
			return true, nil
		})
	return list, err
}

// PutAgent implements store.Tx. No role or scope holds a comma; one that did
// would come back as two.
func (t *tx) PutAgent(a store.Agent) error {
	var roles, scopes []string
	for _, r := range a.Roles {
		roles = append(roles, string(r))
	}
	for _, s := range a.Scopes {
		scopes = append(scopes, s.String())
	}
	return t.exec(`
		INSERT INTO agents (`+agentColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE
		SET roles = excluded.roles,
			scopes = excluded.scopes,
			subject = excluded.subject,
			created_at = excluded.created_at,
			revoked_at = excluded.revoked_at,
			lifetime = excluded.lifetime`,
		string(a.Name), strings.Join(roles, ","), strings.Join(scopes, ","), a.Subject,
		a.CreatedAt.UnixMicro(), moment(a.RevokedAt), int64(a.Lifetime/time.Second))
}
