"""A site that is there already: recognised, looked over, and described so that it can be worked on.

tree          the folder as detection looks at it
config_text   values out of a generator's settings, read without running anything
generators    each generator: by what it is recognised, what its settings say
detection     which generator's site lies in a folder
survey        what its pages are like: languages, drafts, titles, and what cannot be read
grouping      pages that belong together, and the patterns that find them
plan          the texts of `pressroom.toml`, `site.yaml` and the templates
importing     all of it, for `pressroom init`
"""
