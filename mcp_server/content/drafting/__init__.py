"""How a section is drafted: by a model, or by the composer that needs none."""
