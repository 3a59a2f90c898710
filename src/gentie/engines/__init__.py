"""Arrays in, arrays out: the calculations, without files, clocks, databases or people."""
