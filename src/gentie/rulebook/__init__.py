"""The tariff as cited, dated data: every number a study uses, with where it stands."""
