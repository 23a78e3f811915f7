"""The kinds of changes: what each looks at beforehand, and which job it is."""
