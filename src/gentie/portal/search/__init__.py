"""Search: one box for stations, projects, rules and questions."""
