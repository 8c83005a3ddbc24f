"""Rule packs: data and citations, no Python.

In:     sources named in each pack.yaml
Out:    cn (in force), cn-epidemic (2020-01 to 2023-01)
Not:    how they are read (rules)
Words:  docs/glossary.md
Source: each value cites its own
"""
