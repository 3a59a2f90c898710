"""The process, in its order: each context owns its rows and reads those of the ones below."""
