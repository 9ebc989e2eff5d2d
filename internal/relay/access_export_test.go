package relay

// Operations are all that the table of who may do what knows.
func Operations() (list []string) {
	for op := range rules {
		list = append(list, string(op))
	}
	return list
}
