"""Rules for the whole tree: structure, words, translations, access, what registers itself."""
