"""Documents: what people hand in, byte for byte."""
