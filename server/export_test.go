package server

// Offered returns the names of the operations that the service offers, for Call.
func Offered(s *Server) []string {
	var names []string
	for target := range s.operations {
		operation, _ := lookup(target)
		names = append(names, actionName(operation))
	}
	return names
}
